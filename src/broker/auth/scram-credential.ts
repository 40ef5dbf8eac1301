import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from '@mongodb-js/saslprep';

/**
 * What a server keeps of a SCRAM-SHA-256 password (RFC 5802 section 5): enough to check a client's proof and to prove
 * itself, not enough to log in. As text: `$scram-sha-256$i=4096$salt$storedKey$serverKey`, the last three in base64.
 */
export interface ScramCredential {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** RFC 7677 section 4 asks for no fewer. */
export const LEAST_ITERATIONS = 4096;
/** The client pays for them, in the time until it is connected: a tenth of a second on a machine of RFC 7677's day. */
export const DEFAULT_ITERATIONS = 15_000;
export const MOST_ITERATIONS = 10_000_000;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const TEXT = /^\$scram-sha-256\$i=(\d{1,8})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/;

const derive = promisify(pbkdf2);

/** Undefined for anything else, and for fewer iterations than is safe. */
export function parseScramCredential(text: string): ScramCredential | undefined {
  const [, count, ...fields] = TEXT.exec(text) ?? [];
  const iterations = Number(count);
  const [salt, storedKey, serverKey] = fields.map((field) => Buffer.from(field, 'base64'));
  if (salt === undefined || storedKey?.length !== KEY_BYTES || serverKey?.length !== KEY_BYTES) return undefined;
  if (iterations < LEAST_ITERATIONS || iterations > MOST_ITERATIONS || salt.length < 8) return undefined;
  return { iterations, salt, storedKey, serverKey };
}

export function formatScramCredential({ iterations, salt, storedKey, serverKey }: ScramCredential): string {
  const fields = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
  return `$scram-sha-256$i=${iterations}$${fields.join('$')}`;
}

/** Of a new password. Undefined if SASLprep allows no such password. */
export async function deriveScramCredential(
  password: string,
  iterations: number,
  salt: Buffer = randomBytes(SALT_BYTES),
): Promise<ScramCredential | undefined> {
  const prepared = prepare(password);
  if (prepared === undefined) return undefined;
  const saltedPassword = await derive(prepared, salt, iterations, KEY_BYTES, 'sha256');
  return {
    iterations,
    salt,
    storedKey: sha256(hmac(saltedPassword, 'Client Key')),
    serverKey: hmac(saltedPassword, 'Server Key'),
  };
}

/** A name or password in the form in which it is compared (RFC 4013); undefined where it holds what it must not. */
export function prepare(text: string): string | undefined {
  try {
    return saslprep(text) || undefined;
  } catch {
    return undefined;
  }
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
