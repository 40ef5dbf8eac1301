import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import { CodedError } from '../../base/errors.ts';
import type { Config } from '../../config/schema.ts';

export type JwtKeyErrorCode = 'unreadable' | 'malformed';

/** Keys that cannot be used; the message names the file, and never quotes it. */
class JwtKeyError extends CodedError<JwtKeyErrorCode> {}

export type JwtSettings = Config['authentication']['jwt'];

/** What tokens are verified with. */
export interface JwtKeys {
  /** Only what fits the keys: a public key must never be taken for the secret of an HMAC, nor `none` for a signature. */
  readonly algorithms: readonly string[];
  readonly keyOf: JWTVerifyGetKey;
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const EDWARDS = ['EdDSA', 'Ed25519'];
const BY_CURVE: ReadonlyMap<string | undefined, readonly string[]> = new Map([
  ['prime256v1', ['ES256']],
  ['secp384r1', ['ES384']],
  ['secp521r1', ['ES512']],
]);
/** What a key set may hold. */
export const ASYMMETRIC: readonly string[] = [...RSA, ...EDWARDS, ...[...BY_CURVE.values()].flat()];

/** The length of what HS256 hashes to: RFC 7518 section 3.2 wants a secret of that length at least. */
const SHORTEST_SECRET_BYTES = 32;
/** RFC 7518 section 3.3. */
const SHORTEST_MODULUS_BITS = 2048;

/**
 * The keys of a file; undefined where none is configured.
 * @throws JwtKeyError when the file cannot be read, or holds no such keys
 */
export async function readJwtKeys({ secretFile, publicKeyFile, jwksFile }: JwtSettings): Promise<JwtKeys | undefined> {
  if (secretFile !== undefined) return secretKeys(await read(secretFile), secretFile);
  if (publicKeyFile !== undefined) return publicKeys((await read(publicKeyFile)).toString(), publicKeyFile);
  if (jwksFile !== undefined) return keySet((await read(jwksFile)).toString(), jwksFile);
  return undefined;
}

async function read(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: Error) => {
    throw new JwtKeyError(
      'unreadable',
      `the key file ${file} (authentication.jwt) cannot be read: ${error.message}`,
      error,
    );
  });
}

function secretKeys(bytes: Buffer, file: string): JwtKeys {
  // Editors end a file with a line break, which nobody means as part of the secret.
  const secret = Uint8Array.from(bytes.subarray(0, bytes.length - lineBreakLength(bytes)));
  // Whoever has the public key could sign.
  if (/^\s*(-----BEGIN |\{)/.test(bytes.toString('latin1')))
    throw new JwtKeyError('malformed', `${file}: this is a key file or a key set, and no secret of HMAC`);
  if (secret.length < SHORTEST_SECRET_BYTES)
    throw new JwtKeyError('malformed', `${file}: a secret needs at least ${SHORTEST_SECRET_BYTES} bytes`);
  return { algorithms: ['HS256', 'HS384', 'HS512'], keyOf: () => secret };
}

function lineBreakLength(bytes: Buffer): number {
  const end = bytes.subarray(-2).toString('latin1');
  return end === '\r\n' ? 2 : end.endsWith('\n') ? 1 : 0;
}

function publicKeys(pem: string, file: string): JwtKeys {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new JwtKeyError('malformed', `${file}: ${reason}`, cause);
  };
  if (pem.includes('PRIVATE KEY-----')) refuse('this is a private key; tokens are verified with the public one');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    return refuse('no public key in PEM form', error);
  }
  const algorithms =
    algorithmsOf(key) ?? refuse('the key must be RSA of 2048 bits or more, EC P-256, P-384 or P-521, or Ed25519');
  return { algorithms, keyOf: () => key };
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] | undefined {
  switch (asymmetricKeyType) {
    case 'rsa':
      return (asymmetricKeyDetails?.modulusLength ?? 0) < SHORTEST_MODULUS_BITS ? undefined : RSA;
    case 'ec':
      return BY_CURVE.get(asymmetricKeyDetails?.namedCurve);
    case 'ed25519':
      return EDWARDS;
    default:
      return undefined;
  }
}

/** Of a kind that is not known, or that is weak, a set may hold keys as well: they are for others. */
function isUsable(key: JWK): boolean {
  try {
    return algorithmsOf(createPublicKey({ key: key as JsonWebKey, format: 'jwk' })) !== undefined;
  } catch {
    return false;
  }
}

function keySet(text: string, file: string): JwtKeys {
  let set: JSONWebKeySet;
  let keyOf: JWTVerifyGetKey;
  try {
    set = JSON.parse(text);
    keyOf = createLocalJWKSet(set);
  } catch (error) {
    throw new JwtKeyError('malformed', `${file}: no JSON Web Key Set`, error);
  }
  if (set.keys.some(({ d, k }) => d !== undefined || k !== undefined))
    throw new JwtKeyError(
      'malformed',
      `${file}: the set holds a private or symmetric key; a key set is of public keys`,
    );
  if (!set.keys.some(isUsable)) throw new JwtKeyError('malformed', `${file}: the set holds no key that can be used`);
  return { algorithms: ASYMMETRIC, keyOf };
}
