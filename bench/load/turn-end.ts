/** Something to write once the event loop has handed over all that had arrived. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers what one turn of the event loop gives cause to write, so that each connection writes once in a turn however
 * many packets, on however many connections, were the reason. It keeps the generator from being the limit.
 */
export class TurnEnd {
  private waiting = new Set<Flushable>();
  private isScheduled = false;

  add(flushable: Flushable): void {
    this.waiting.add(flushable);
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.run());
  }

  private run(): void {
    this.isScheduled = false;
    const due = this.waiting;
    this.waiting = new Set();
    for (const flushable of due) flushable.flush();
  }
}
