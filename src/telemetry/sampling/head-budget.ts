/** Within it, demand is averaged; the budget is kept over about this time. */
const AVERAGED_MS = 5000;
/** What the demand is counted in until the next tick. */
const INTERVAL_MS = 1000;
/** Growth beyond this is not taken for chance. */
const SUDDEN = 2;

/**
 * Lowers the rate at the head so that about so many traces a second are chosen. It counts what the rate alone would choose
 * and not what came through, so that the answer does not depend on its own effect and cannot swing. Demand that grows is
 * followed at once, without a clock: each time what was counted is twice the estimate the factor falls, so that a burst of n
 * times the estimate costs about log2(n) seconds' worth of the budget. Demand that falls is forgotten over five seconds.
 */
export class HeadBudget {
  readonly #perSecond: number;
  /** Traces a second. */
  #demand = 0;
  #wanted = 0;
  #suddenAt: number;
  #factor = 1;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#suddenAt = this.#nextSudden();
  }

  /** What the rate is multiplied with, above 0 and at most 1. */
  get factor(): number {
    return this.#factor;
  }

  /** For each trace that the rate alone would choose. */
  want(): void {
    this.#wanted += 1;
    if (this.#wanted < this.#suddenAt) return;
    this.#expect((this.#wanted * 1000) / INTERVAL_MS);
  }

  /** About once a second; `elapsedMs` since the last time. */
  tick(elapsedMs: number): void {
    if (elapsedMs <= 0) return;
    const demand = (this.#wanted * 1000) / elapsedMs;
    const weight = 1 - Math.exp(-elapsedMs / AVERAGED_MS);
    this.#wanted = 0;
    this.#expect(this.#demand + (demand - this.#demand) * weight);
  }

  #expect(demand: number): void {
    this.#demand = demand;
    this.#factor = Math.min(1, this.#perSecond / demand);
    this.#suddenAt = this.#nextSudden();
  }

  #nextSudden(): number {
    return (Math.max(this.#demand * SUDDEN, this.#perSecond) * INTERVAL_MS) / 1000;
  }
}
