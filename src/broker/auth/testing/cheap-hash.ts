import { scryptSync } from 'node:crypto';
import { formatPasswordHash } from '../password-hash.ts';

/** A line of a password file whose hash costs next to nothing. */
export function cheapLine(user: string, password: string): string {
  const salt = Buffer.from('a salt for tests');
  const hash = scryptSync(password, salt, 32, { cost: 2, blockSize: 8, parallelization: 1 });
  return `${user}:${formatPasswordHash({ logCost: 1, blockSize: 8, parallelism: 1, salt, hash })}\n`;
}
