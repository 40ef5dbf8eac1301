/**
 * The upper 32 of the 56 random bits of a trace id (W3C Trace Context 2, section 4): its bytes 9 to 12, of which the words are
 * in memory order, as in SpanIdentity.
 */
export function decidingBits(words: Uint32Array, at: number): number {
  return (highDecidingBits(words[at + 2]!) | (words[at + 3]! & 0xff)) >>> 0;
}

/** The upper 24 of them, signed, the others 0. `third`: the third word of the trace id. */
export function highDecidingBits(third: number): number {
  return (((third >>> 8) & 0xff) << 24) | (((third >>> 16) & 0xff) << 16) | ((third >>> 24) << 8);
}

/** Four bytes of a context as a word in memory order; see SpanIdentity. */
export function contextWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
