import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';

/** A key that signs tokens, with the form in which a broker gets what it verifies them with. */
export interface JwtSigner {
  readonly privateKey: KeyObject;
  readonly publicPem: string;
  /** The public key as a member of a key set. */
  readonly jwk: Record<string, unknown>;
  sign(claims: JWTPayload, header?: { readonly kid?: string }): Promise<string>;
}

const KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const;

/** A fresh key pair. */
export function jwtSigner(algorithm: keyof typeof KEYS, kid?: string): JwtSigner {
  const { privateKey, publicKey } = KEYS[algorithm]();
  return {
    privateKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), ...(kid !== undefined && { kid }) },
    sign: (claims, header = kid === undefined ? {} : { kid }) =>
      new SignJWT(claims).setProtectedHeader({ alg: algorithm, ...header }).sign(privateKey),
  };
}

/** A token under a shared secret. */
export const signWithSecret = (secret: string, claims: JWTPayload, algorithm = 'HS256'): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(Buffer.from(secret));
