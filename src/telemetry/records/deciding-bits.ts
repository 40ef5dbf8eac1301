/**
 * The upper 32 of the 56 random bits of a trace id (W3C Trace Context 2, section 4): its bytes 9 to 12, of which the words are
 * in memory order, as in SpanIdentity.
 */
export function decidingBits(words: Uint32Array, at: number): number {
  const third = words[at + 2]!;
  const fourth = words[at + 3]!;
  return (
    (((third >>> 8) & 0xff) * 0x100_0000 +
      (((third >>> 16) & 0xff) << 16) +
      ((third >>> 24) << 8) +
      (fourth & 0xff)) >>>
    0
  );
}

/** Four bytes of a context as a word in memory order; see SpanIdentity. */
export function contextWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
