/**
 * Traces a second that may be kept for what happened to them. Each reason has an equal share of its own, so that a storm of
 * one leaves the others theirs; what a reason does not use goes to a pool for all. A record with many traces is kept whole
 * and paid for afterwards.
 */
export class KeepBudget {
  readonly #poolTokens: number;
  readonly #sharePerSecond: number;
  /** Of each reason, and last the pool; below 0: still to be paid for. */
  readonly #tokens: Float64Array;
  readonly #pool: number;
  #filledAt: number;

  /** `now`: Unix milliseconds. */
  constructor(perSecond: number, reasons: number, now: number) {
    // Less than two could not hold what comes in while it waits for a whole one.
    this.#poolTokens = Math.max(perSecond, 2);
    this.#sharePerSecond = perSecond / reasons;
    this.#tokens = new Float64Array(reasons + 1).fill(Math.max(this.#sharePerSecond, 1));
    this.#pool = reasons;
    this.#tokens[this.#pool] = this.#poolTokens;
    this.#filledAt = now;
  }

  /** False: too many of late, and nothing has been taken. */
  take(reason: number, traces: number, now: number): boolean {
    this.#fill(now);
    const from = this.#tokens[reason]! >= 1 ? reason : this.#pool;
    if (this.#tokens[from]! < 1) return false;
    this.#tokens[from]! -= traces;
    return true;
  }

  #fill(now: number): void {
    if (now <= this.#filledAt) return;
    const earned = ((now - this.#filledAt) * this.#sharePerSecond) / 1000;
    const share = Math.max(this.#sharePerSecond, 1);
    let unused = 0;
    for (let reason = 0; reason < this.#pool; reason += 1) {
      const tokens = this.#tokens[reason]! + earned;
      unused += Math.max(tokens - share, 0);
      this.#tokens[reason] = Math.min(tokens, share);
    }
    this.#tokens[this.#pool] = Math.min(this.#tokens[this.#pool]! + unused, this.#poolTokens);
    this.#filledAt = now;
  }
}
