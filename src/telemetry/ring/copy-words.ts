/** A view for `set` costs as much as these, and is garbage. */
const SHORT_COPY = 160;

/** Copies `length` numbers to `at`. By numbers, not as float64: a NaN need not keep its bits. */
export function copyWords(from: Uint32Array, start: number, length: number, to: Uint32Array, at: number): void {
  if (length > SHORT_COPY) to.set(from.subarray(start, start + length), at);
  else for (let index = 0; index < length; index += 1) to[at + index] = from[start + index]!;
}
