import type { TokenBucket } from '../../base/token-bucket.ts';
import { HeadBudget } from './head-budget.ts';
import { loweredThreshold } from './probability.ts';

/** By whom a trace was chosen when it began. */
export type HeadDecision = 'rate' | 'caller' | 'none';

export interface HeadOptions {
  /** Whether the sampled flag of a caller decides for the trace it continues. */
  readonly followParent: boolean;
  /** Traces a second the rate may choose; 0: no limit. */
  readonly maxTracesPerSecond: number;
}

/**
 * Decides when a trace begins: on the broker's thread, for every message, without a clock or an object. Thresholds are those
 * of the rate (`thresholdOfRate`), which whoever asks keeps; bits are the 32 deciding ones, signed or not.
 */
export class HeadSampler {
  readonly #followsParent: boolean;
  readonly #budget: HeadBudget | undefined;
  #notKept = 0;
  #notForced = 0;

  constructor({ followParent, maxTracesPerSecond }: HeadOptions) {
    this.#followsParent = followParent;
    this.#budget = maxTracesPerSecond > 0 ? new HeadBudget(maxTracesPerSecond) : undefined;
  }

  get followsParent(): boolean {
    return this.#followsParent;
  }

  /** Traces the rate chose and the budget did not. Grows. */
  get notKept(): number {
    return this.#notKept;
  }

  /** Traces a caller's flag would have chosen beyond what its listener allows. Grows. */
  get notForced(): number {
    return this.#notForced;
  }

  /** The threshold as the budget has lowered it just now: what `th` says of a trace that the rate chose. */
  effectiveThreshold(threshold: number): number {
    const factor = this.#budget?.factor ?? 1;
    return factor === 1 ? threshold : loweredThreshold(threshold, factor);
  }

  /** A trace that begins here. */
  chooses(bits: number, threshold: number): boolean {
    if (this.#rateChooses(bits, threshold)) return true;
    if (bits >>> 0 >= threshold) this.#notKept += 1;
    return false;
  }

  /**
   * A trace that a caller began. Where its flag decides and is set, the listener's bucket has the last word: beyond it the
   * rate decides, as if there were no flag. No token is taken for what the rate chooses anyway.
   * @param forced undefined: no limit
   */
  choosesContinued(
    isCallerSampled: boolean,
    bits: number,
    threshold: number,
    forced: TokenBucket | undefined,
    now: number,
  ): HeadDecision {
    if (!this.#followsParent) return this.chooses(bits, threshold) ? 'rate' : 'none';
    if (!isCallerSampled) return 'none';
    if (this.#rateChooses(bits, threshold)) return 'rate';
    if (forced === undefined || forced.take(now)) return 'caller';
    this.#notForced += 1;
    return 'none';
  }

  /**
   * Traces that begin together and are decided about by whoever reads their record: the threshold for all of them, lowered
   * by the demand that they are themselves. `bitsOf` the first, the second and so on; asked only where there is a budget.
   */
  thresholdForMany(count: number, threshold: number, bitsOf: (index: number) => number): number {
    const budget = this.#budget;
    if (budget === undefined) return threshold;
    for (let index = 0; index < count; index += 1) if (bitsOf(index) >>> 0 >= threshold) budget.want();
    const effective = this.effectiveThreshold(threshold);
    if (effective === threshold) return threshold;
    for (let index = 0; index < count; index += 1) {
      const randomness = bitsOf(index) >>> 0;
      if (randomness >= threshold && randomness < effective) this.#notKept += 1;
    }
    return effective;
  }

  /** About once a second; `elapsedMs` since the last time. */
  tick(elapsedMs: number): void {
    this.#budget?.tick(elapsedMs);
  }

  #rateChooses(bits: number, threshold: number): boolean {
    const randomness = bits >>> 0;
    if (randomness < threshold) return false;
    this.#budget?.want();
    return randomness >= this.effectiveThreshold(threshold);
  }
}
