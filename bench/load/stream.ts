/**
 * The messages of one publisher on one topic, numbered 0, 1, 2, …, and how far all who should get them have.
 * Keeps count for at most `window` messages under way.
 */
export class Stream {
  /** The number that the next message gets. */
  sent = 0;
  /** All messages below this one have reached every subscriber. */
  private completed = 0;
  private readonly subscribers: number;
  /** For each message under way, by its number modulo the window: how many subscribers still lack it. */
  private readonly lacking: Uint16Array;

  constructor(subscribers: number, window: number) {
    this.subscribers = subscribers;
    this.lacking = new Uint16Array(window);
  }

  /** Takes the next number. At most `window` may be taken and not completed. */
  take(): number {
    const sequence = this.sent++;
    this.lacking[sequence % this.lacking.length] = this.subscribers;
    return sequence;
  }

  /** One subscriber has the message, or never will. Returns how many messages that completed. */
  settle(sequence: number): number {
    this.lacking[sequence % this.lacking.length]!--;
    const before = this.completed;
    while (this.completed < this.sent && this.lacking[this.completed % this.lacking.length] === 0) this.completed++;
    return this.completed - before;
  }
}
