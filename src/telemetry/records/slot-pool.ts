import { assert } from '../../base/errors.ts';

const SLOT_BITS = 16;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const MAX_SLOTS = 1 << SLOT_BITS;
const LAST_GENERATION = 0x7fff;
const IN_USE = 0x8000;
/** As many slots rest before one is taken again: enough for generations to last, few enough to stay in the cache. */
const RESTING_SLOTS = 512;

/** The slot's number; its generation lies above. */
export function slotOf(handle: number): number {
  return handle & SLOT_MASK;
}

/**
 * Numbered slots, and handles of who has them: small integers, never 0. A slot's generation grows with every use, so that a
 * handle kept too long never means the next who has the slot; slots are taken in the order in which they were released, so
 * that a generation comes round again only after 32767 times as many uses as slots rest.
 */
export class SlotPool {
  /** By slot: generation, and in the high bit whether the slot is in use. */
  readonly #generations: Uint16Array;
  /** A ring of slots that were released. From `#usedCount` on no slot was used yet. */
  readonly #released: Uint16Array;
  #first = 0;
  #releasedCount = 0;
  #usedCount = 0;

  constructor(capacity: number) {
    assert(capacity >= 1 && capacity <= MAX_SLOTS, `there are 1 to ${MAX_SLOTS} slots`);
    this.#generations = new Uint16Array(capacity);
    this.#released = new Uint16Array(capacity);
  }

  get open(): number {
    return this.#usedCount - this.#releasedCount;
  }

  get isFull(): boolean {
    return this.open === this.#released.length;
  }

  /** The handle of a free slot; there must be one. */
  take(): number {
    const capacity = this.#released.length;
    let slot = this.#usedCount;
    if (slot === capacity || this.#releasedCount > RESTING_SLOTS) {
      slot = this.#released[this.#first]!;
      this.#first = this.#first + 1 === capacity ? 0 : this.#first + 1;
      this.#releasedCount -= 1;
    } else this.#usedCount += 1;
    const generation = (this.#generations[slot]! % LAST_GENERATION) + 1;
    this.#generations[slot] = generation | IN_USE;
    return (generation << SLOT_BITS) | slot;
  }

  /** The slot that the handle still has; -1: none. */
  find(handle: number): number {
    const slot = slotOf(handle);
    return this.#generations[slot] === ((handle >>> SLOT_BITS) | IN_USE) && handle !== 0 ? slot : -1;
  }

  release(slot: number): void {
    this.#generations[slot]! &= LAST_GENERATION;
    const end = this.#first + this.#releasedCount;
    this.#released[end < this.#released.length ? end : end - this.#released.length] = slot;
    this.#releasedCount += 1;
  }
}
