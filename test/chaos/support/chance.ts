import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/** How much longer than usual the tests run: more messages, more kills, more rounds. */
export const SCALE = Number(process.env.ROBUSTMQ_CHAOS_SCALE ?? 1);

/** Random numbers that come again with the same seed (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to `limit`, which is left out. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  oneOf<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

/** A new seed every time, said aloud; `ROBUSTMQ_CHAOS_SEED` brings one back. */
export function chanceOf(t: TestContext): Chance {
  const seed = Number(process.env.ROBUSTMQ_CHAOS_SEED ?? randomInt(2 ** 31));
  t.diagnostic(`ROBUSTMQ_CHAOS_SEED=${seed}`);
  return new Chance(seed);
}
