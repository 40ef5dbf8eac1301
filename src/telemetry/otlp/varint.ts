/*
 * Varints (protobuf's encoding guide), also of a fixed width: as many bytes as the widest value takes, all but the last
 * with the continuation bit. Decoders take up to ten bytes, so a length can be written behind what it counts, and a number
 * replaced where it lies.
 */

export const PADDED_LENGTH_BYTES = 4;
export const MAX_PADDED_LENGTH = 2 ** 28 - 1;
export const PADDED_INT_BYTES = 10;

const TWO_28 = 2 ** 28;
/** The bit that says that another byte follows, in four bytes, and in three. */
const FOLLOWED = 0x8080_8080 | 0;
const FOLLOWED_BUT_LAST = 0x0080_8080;

/** Bytes of the varint of a number below 2^32. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < TWO_28 ? 4 : 5;
}

/** A length up to MAX_PADDED_LENGTH as four bytes in little-endian order. */
export function paddedLength(length: number): number {
  return spread(length) | FOLLOWED_BUT_LAST;
}

/** An integer of 64 bits as ten bytes; negative ones in two's complement, as int64 has them. */
export function writePaddedInt(view: DataView, at: number, value: number): void {
  const above = Math.floor(value / TWO_28);
  const top = Math.floor(above / TWO_28);
  view.setInt32(at, spread(value - above * TWO_28) | FOLLOWED, true);
  view.setInt32(at + 4, spread(above - top * TWO_28) | FOLLOWED, true);
  view.setUint16(at + 8, (top & 0x7f) | 0x80 | ((top & 0x80) << 1), true);
}

/** 28 bits, seven to each byte. */
function spread(value: number): number {
  return (value & 0x7f) | ((value & 0x3f80) << 1) | ((value & 0x1f_c000) << 2) | ((value & 0xfe0_0000) << 3);
}
