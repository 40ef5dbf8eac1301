/** Over how long the averages look back, and what the last level of their topics is. */
export const LOAD_WINDOWS = [
  { name: '1min', ms: 60_000 },
  { name: '5min', ms: 5 * 60_000 },
  { name: '15min', ms: 15 * 60_000 },
] as const;

const MINUTE_MS = 60_000;

/**
 * How much a total that only grows has grown a minute, as moving averages that forget exponentially, like a system's load:
 * one for each of LOAD_WINDOWS. They begin at 0.
 */
export class LoadAverage {
  readonly #averages = LOAD_WINDOWS.map(() => 0);
  #total: number;
  #at: number;

  /** `at`: Unix milliseconds. */
  constructor(total: number, at: number) {
    this.#total = total;
    this.#at = at;
  }

  /** The averages now, a minute. */
  update(total: number, at: number): readonly number[] {
    const elapsedMs = at - this.#at;
    if (elapsedMs <= 0) return this.#averages;
    const rate = ((total - this.#total) * MINUTE_MS) / elapsedMs;
    for (const [index, { ms }] of LOAD_WINDOWS.entries()) {
      const kept = Math.exp(-elapsedMs / ms);
      this.#averages[index] = rate + kept * (this.#averages[index]! - rate);
    }
    this.#total = total;
    this.#at = at;
    return this.#averages;
  }
}
