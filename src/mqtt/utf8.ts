/**
 * Whether a range is a UTF-8 Encoded String's content: well formed as Unicode says (shortest form, nothing above U+10FFFF),
 * no surrogates [MQTT-1.5.4-1], no U+0000 [MQTT-1.5.4-2]. U+FEFF is a character like others [MQTT-1.5.4-3].
 */
export function isWellFormedUtf8(buffer: Uint8Array, start: number, end: number): boolean {
  let position = start;
  while (position < end) {
    const first = buffer[position]!;
    if (first < 0x80) {
      if (first === 0) return false;
      position++;
      continue;
    }
    const length = sequenceLength(buffer, position, end);
    if (length === 0) return false;
    position += length;
  }
  return true;
}

/** Bytes of the multi-byte sequence at a position; 0 where it is ill formed (Unicode 15, table 3-7). */
function sequenceLength(buffer: Uint8Array, at: number, end: number): number {
  const first = buffer[at]!;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  const second = buffer[at + 1]!;
  if ((second & 0xc0) !== 0x80) return 0;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  if (length > 2 && (buffer[at + 2]! & 0xc0) !== 0x80) return 0;
  if (length > 3 && (buffer[at + 3]! & 0xc0) !== 0x80) return 0;
  return length;
}
