/** So many a second, and as many at once after a quiet second. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  /** `now`: Unix milliseconds. The bucket begins full. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAt = now;
  }

  /** Whether so many are there. */
  has(now: number, tokens = 1): boolean {
    this.#fill(now);
    return this.#tokens >= tokens;
  }

  /** False: there is none, and none has been taken. */
  take(now: number): boolean {
    if (!this.has(now)) return false;
    this.#tokens -= 1;
    return true;
  }

  #fill(now: number): void {
    const earned = ((now - this.#filledAt) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#filledAt = now;
  }
}
