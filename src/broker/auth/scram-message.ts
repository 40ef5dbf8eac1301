/*
 * The messages of SCRAM (RFC 5802 section 7), as far as a server reads and writes them
 *   client first = gs2 header, "n=" user name, ",r=" client nonce, [extensions]
 *   gs2 header   = "n" or "y" (no channel binding), ",", ["a=" authorization identity], ","
 *   server first = "r=" client and server nonce, ",s=" salt, ",i=" iterations
 *   client final = "c=" gs2 header, ",r=" both nonces, [extensions], ",p=" proof     (binary fields in base64)
 *   server final = "v=" server signature
 */

/** Longer ones are refused: every character is looked up when the name is prepared. */
const LONGEST_NAME_BYTES = 1024;
const LONGEST_NONCE_CHARACTERS = 256;
const CLIENT_FIRST = /^((?:n|y),(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*)$/;
const CLIENT_FINAL =
  /^(c=([A-Za-z0-9+/]+={0,2}),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/]+={0,2})$/;

export interface ClientFirst {
  readonly gs2Header: string;
  /** As whom to act; undefined: as the user. */
  readonly authorizationIdentity: string | undefined;
  readonly user: string;
  readonly nonce: string;
  /** The message without its header, which the proof covers. */
  readonly bare: string;
}

export interface ClientFinal {
  /** The gs2 header again. */
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Buffer;
  /** What of the message the proof covers. */
  readonly withoutProof: string;
}

/** Undefined for what is no such message, and for one that asks for channel binding (`p=`) or a mandatory extension (`m=`). */
export function parseClientFirst(bytes: Uint8Array): ClientFirst | undefined {
  const [, gs2Header, identity, bare, name, nonce] = CLIENT_FIRST.exec(textOf(bytes) ?? '') ?? [];
  if (gs2Header === undefined || bare === undefined || name === undefined || nonce === undefined) return undefined;
  if (nonce.length > LONGEST_NONCE_CHARACTERS || name.length > LONGEST_NAME_BYTES) return undefined;
  const user = unescapeName(name);
  const authorizationIdentity = identity === undefined ? undefined : unescapeName(identity);
  const isNameBroken = user === undefined || (identity !== undefined && authorizationIdentity === undefined);
  return isNameBroken ? undefined : { gs2Header, authorizationIdentity, user, nonce, bare };
}

/** Undefined for what is no such message. */
export function parseClientFinal(bytes: Uint8Array): ClientFinal | undefined {
  const [, withoutProof, binding, nonce, proof] = CLIENT_FINAL.exec(textOf(bytes) ?? '') ?? [];
  if (withoutProof === undefined || binding === undefined || nonce === undefined || proof === undefined)
    return undefined;
  return {
    channelBinding: Buffer.from(binding, 'base64').toString(),
    nonce,
    proof: Buffer.from(proof, 'base64'),
    withoutProof,
  };
}

export function serverFirst(nonce: string, salt: Uint8Array, iterations: number): string {
  return `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
}

export function serverFinal(signature: Uint8Array): string {
  return `v=${Buffer.from(signature).toString('base64')}`;
}

/** In a saslname `=2C` stands for a comma and `=3D` for an equals sign, and there is no other `=`. */
function unescapeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
