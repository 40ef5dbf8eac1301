import type { AppendResult, JournalError } from '../../journal.ts';
import type { HeldBatch } from '../common/batch-arena.ts';

/** An append that waits for its commit. */
export interface PendingAppend {
  readonly batch: HeldBatch;
  readonly startedAt: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: JournalError) => void;
}

/** Appends in call order, bounded by the bytes they hold. */
export class AppendQueue {
  readonly #maxBytes: number;
  #pending: PendingAppend[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** Bytes of the append at the head; the queue must hold one. */
  get headBytes(): number {
    return this.#pending[0]!.batch.length;
  }

  /** One batch is always let in, however large. */
  hasRoomFor(bytes: number): boolean {
    return this.isEmpty || this.#bytes + bytes <= this.#maxBytes;
  }

  push(append: PendingAppend): void {
    this.#pending.push(append);
    this.#bytes += append.batch.length;
  }

  /** Takes from the head what fits into `maxBytes`, and at least one. */
  take(maxBytes: number): PendingAppend[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#pending.length) {
      const length = this.#pending[count]!.batch.length;
      if (count > 0 && bytes + length > maxBytes) break;
      bytes += length;
      count += 1;
    }
    this.#bytes -= bytes;
    if (count < this.#pending.length) return this.#pending.splice(0, count);
    const all = this.#pending;
    this.#pending = [];
    return all;
  }
}
