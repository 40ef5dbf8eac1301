import { assert } from '../base/errors.ts';

/**
 * Orders keys as their UTF-8 bytes are ordered. UTF-16 code units agree with that except that surrogates (code points
 * from 0x10000 on) lie below 0xE000–0xFFFF: those are moved above for the comparison.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A key that has no UTF-8 form would come back as another key. */
export function assertKey(key: string): void {
  assert(key !== '' && key.isWellFormed(), `a key is not empty and well-formed Unicode: ${JSON.stringify(key)}`);
}
