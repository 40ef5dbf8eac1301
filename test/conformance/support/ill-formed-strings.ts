import { bytes } from './bytes.ts';

/** Bytes that are no UTF-8. */
export const ILL_FORMED: Readonly<Record<string, Uint8Array>> = {
  'a surrogate': bytes(0xed, 0xa0, 0x80),
  'an overlong character': bytes(0xc0, 0xaf),
  'a character that is cut': bytes('a', 0xe2, 0x82),
  'a byte that begins no character': bytes(0xff),
};

/** Well-formed, and still not allowed in a string. */
export const NULL_CHARACTER = bytes('a', 0, 'b');
