import { Collection } from './collection.ts';
import { takeNumbers } from './durable-counter.ts';
import type { Placement } from './placement.ts';
import { opaqueBytes } from './value-codec.ts';

/** The persistent sessions by client id, in the broker's own form. */
export const sessions = new Collection('session/', opaqueBytes);

const NUMBER_KEY = 'counter/session';
/** Numbers taken with one write; what is left of a block when the process ends is never used. */
const BLOCK = 1000;

/** Takes the first of `count` session numbers in a row that no session has had, across restarts and nodes too. */
export function allocateSessionNumbers(placement: Placement, count: number): Promise<number> {
  return takeNumbers(placement, NUMBER_KEY, count);
}

/** Gives out session numbers one by one, with a write only once in a block. */
export class SessionNumbers {
  readonly #placement: Placement;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(placement: Placement) {
    this.#placement = placement;
  }

  async allocate(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#takeBlock();
      await this.#refill;
    }
    return this.#next++;
  }

  async #takeBlock(): Promise<void> {
    try {
      this.#next = await allocateSessionNumbers(this.#placement, BLOCK);
      this.#end = this.#next + BLOCK;
    } finally {
      this.#refill = undefined;
    }
  }
}
