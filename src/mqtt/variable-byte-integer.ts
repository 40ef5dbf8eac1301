/*
 * Variable Byte Integer (MQTT 5 section 1.5.5): 1 to 4 bytes of 7 bits, least significant first, high bit = more follow.
 */

/** Four bytes of seven bits. */
export const VARIABLE_BYTE_INTEGER_MAXIMUM = 268_435_455;

/** Answers of `readVariableByteInteger` that are no value. */
const VARIABLE_BYTE_INTEGER_CUT = -1;
export const VARIABLE_BYTE_INTEGER_MALFORMED = -2;

/** Bytes that a value takes on the wire. */
export function variableByteIntegerSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

/**
 * The value at a position, or one of the two negative answers. Only the shortest encoding is accepted [MQTT-1.5.5-1], so
 * `variableByteIntegerSize` of the value tells where it ended.
 */
export function readVariableByteInteger(buffer: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let index = 0; index < 4; index++) {
    if (at + index >= end) return VARIABLE_BYTE_INTEGER_CUT;
    const byte = buffer[at + index]!;
    value |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return byte === 0 && index > 0 ? VARIABLE_BYTE_INTEGER_MALFORMED : value;
  }
  return VARIABLE_BYTE_INTEGER_MALFORMED;
}

/** Returns the position after the value. */
export function writeVariableByteInteger(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  let position = at;
  while (rest > 0x7f) {
    out[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[position++] = rest;
  return position;
}
