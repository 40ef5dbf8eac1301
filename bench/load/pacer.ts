import assert from 'node:assert/strict';
import type { OfferedRate } from './offered-rate.ts';

/** Takes what is due; `dueAt` on the clock of the pacer. What it cannot take is not offered later. */
export interface Paced {
  publish(messages: number, dueAt: number): void;
}

/** Messages of one batch for each of so many publishers. */
export function batchOf({ perSecond, batchIntervalMs }: OfferedRate, publishers: number): number {
  const messages = (perSecond * batchIntervalMs) / 1000 / publishers;
  assert(Number.isInteger(messages), `${messages} is no number of messages for each batch and publisher`);
  return messages;
}

/**
 * Batches that are due by the clock, not by what became of those before. One that is late is published with the time at
 * which it was due, so that its latency holds what it had to wait for the generator.
 */
export class Pacer {
  readonly #publishers: readonly Paced[];
  readonly #intervalMs: number;
  readonly #messages: number;
  readonly #now: () => number;
  #dueAt: number;
  #timer: NodeJS.Timeout | undefined;

  /** `now`: milliseconds. */
  constructor(rate: OfferedRate, publishers: readonly Paced[], now: () => number) {
    this.#publishers = publishers;
    this.#intervalMs = rate.batchIntervalMs;
    this.#messages = batchOf(rate, publishers.length);
    this.#now = now;
    this.#dueAt = now();
  }

  start(): void {
    this.publishDue();
    this.#timer = setTimeout(() => this.start(), Math.max(0, this.#dueAt - this.#now()));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  publishDue(): void {
    for (const now = this.#now(); this.#dueAt <= now; this.#dueAt += this.#intervalMs)
      for (const publisher of this.#publishers) publisher.publish(this.#messages, this.#dueAt);
  }
}
