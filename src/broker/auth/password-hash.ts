import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** A scrypt hash with its parameters, as a PHC string holds them: `$scrypt$ln=15,r=8,p=1$salt$hash`. */
export interface PasswordHash {
  /** Binary logarithm of scrypt's cost N. */
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** OWASP's advice for scrypt at 32 MiB a hash (Password Storage Cheat Sheet: N=2^15, r=8; p=1 for a broker's connects). */
const COST = { logCost: 15, blockSize: 8, parallelism: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Undefined for anything that is no scrypt hash, or costs more than anyone would ask for on purpose. */
export function parsePasswordHash(phc: string): PasswordHash | undefined {
  const [, logCost, blockSize, parallelism, salt, hash] = PHC.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const parsed: PasswordHash = {
    logCost: Number(logCost),
    blockSize: Number(blockSize),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  return isAcceptable(parsed) ? parsed : undefined;
}

const isAcceptable = ({ logCost, blockSize, parallelism, salt, hash }: PasswordHash): boolean =>
  within(logCost, 1, 20) &&
  within(blockSize, 1, 32) &&
  within(parallelism, 1, 16) &&
  within(salt.length, 8, 64) &&
  within(hash.length, 16, 64);

const within = (value: number, least: number, most: number): boolean => value >= least && value <= most;

export function formatPasswordHash({ logCost, blockSize, parallelism, salt, hash }: PasswordHash): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=${logCost},r=${blockSize},p=${parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** Hashes a new password with a fresh salt. */
export async function hashPassword(password: Uint8Array): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, COST);
  return { ...COST, salt, hash };
}

/** Takes as long for a right password as for a wrong one. Runs in Node's thread pool, not on the event loop. */
export async function verifyPassword(expected: PasswordHash, password: Uint8Array): Promise<boolean> {
  const hash = await derive(password, expected.salt, expected.hash.length, expected);
  return timingSafeEqual(hash, expected.hash);
}

function derive(
  password: Uint8Array,
  salt: Uint8Array,
  bytes: number,
  { logCost, blockSize, parallelism }: Pick<PasswordHash, 'logCost' | 'blockSize' | 'parallelism'>,
): Promise<Buffer> {
  const cost = 2 ** logCost;
  // scrypt needs 128·N·r bytes and a little more; Node's own limit is exactly too small for N=2^15, r=8.
  const options: ScryptOptions = {
    cost,
    blockSize,
    parallelization: parallelism,
    maxmem: 128 * blockSize * (cost + parallelism + 2),
  };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, options, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}
