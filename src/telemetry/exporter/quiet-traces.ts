/**
 * Decides when a trace is worth showing: once no span has come for a while. One that gets a late span is shown again.
 * Pure: the caller has the clock.
 */
export class QuietTraces {
  readonly #quietMs: number;
  readonly #maxPending: number;
  /** Time of the last span by trace id, oldest first. */
  readonly #lastSpanAt = new Map<string, number>();
  #skipped = 0;

  constructor(quietMs: number, maxPending: number) {
    this.#quietMs = quietMs;
    this.#maxPending = maxPending;
  }

  spanEnded(traceId: string, now: number): void {
    this.#lastSpanAt.delete(traceId);
    this.#lastSpanAt.set(traceId, now);
    if (this.#lastSpanAt.size <= this.#maxPending) return;
    const [oldest] = this.#lastSpanAt.keys();
    this.#lastSpanAt.delete(oldest!);
    this.#skipped += 1;
  }

  /** At most `limit` traces that are quiet by now; each is given once until it gets another span. */
  take(now: number, limit: number): string[] {
    const quiet: string[] = [];
    for (const [traceId, at] of this.#lastSpanAt) {
      if (quiet.length === limit || now - at < this.#quietMs) break;
      quiet.push(traceId);
      this.#lastSpanAt.delete(traceId);
    }
    return quiet;
  }

  /** How many were given up since the last call, because too many were pending. */
  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
