import { assert } from '../../../base/errors.ts';
import type { HeldBatch } from './batch-arena.ts';
import type { ReadCollector } from './read-collector.ts';

const NOTHING: HeldBatch = { buffer: Buffer.alloc(0), start: 0, length: 0, count: 0, baseOffset: 0 };
const COMPACT_AFTER = 1024;
/** One read looks at no more than this, so that a filter which matches little does not hold up the event loop. */
const MAX_SCAN_BYTES = 1024 * 1024;

/** The newest committed batches of a shard, contiguous, in memory. */
export class BatchWindow {
  #batches: HeldBatch[] = [];
  #head = 0;
  #bytes = 0;
  #end: number;

  /** `end` is the offset the first batch pushed will have. */
  constructor(end: number) {
    this.#end = end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** First offset held; `end` when nothing is. */
  get start(): number {
    return this.#batches[this.#head]?.baseOffset ?? this.#end;
  }

  get end(): number {
    return this.#end;
  }

  push(batch: HeldBatch): void {
    assert(batch.baseOffset === this.#end, 'batches enter the window in offset order');
    this.#batches.push(batch);
    this.#bytes += batch.length;
    this.#end += batch.count;
  }

  /** Forgets the oldest batches until at most `maxBytes` are held, or the newest batch alone. */
  shrinkTo(maxBytes: number): void {
    while (this.#bytes > maxBytes && this.#batches.length - this.#head > 1) this.#forgetOldest();
  }

  /** Forgets the batches that lie wholly below `offset`. */
  dropBelow(offset: number): void {
    for (;;) {
      const oldest = this.#batches[this.#head];
      if (oldest === undefined || oldest.baseOffset + oldest.count > offset) return;
      this.#forgetOldest();
    }
  }

  /** Feeds the collector from its position, which must be held, until it is full, the window ends, or enough was looked at. */
  readInto(collector: ReadCollector): void {
    assert(collector.next >= this.start, 'a read from memory begins within the window');
    const batches = this.#batches;
    let scannedBytes = 0;
    for (let index = this.#indexOf(collector.next); index < batches.length; index += 1) {
      const batch = batches[index]!;
      collector.take(batch.buffer, batch.start);
      scannedBytes += batch.length;
      const done = collector.full || scannedBytes >= MAX_SCAN_BYTES;
      if (done || batches[index + 1]?.buffer !== batch.buffer) collector.detach(batch.buffer);
      if (done) return;
    }
  }

  /** Index of the batch that holds the offset, by bisection. */
  #indexOf(offset: number): number {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle]!;
      if (batch.baseOffset + batch.count <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #forgetOldest(): void {
    this.#bytes -= this.#batches[this.#head]!.length;
    this.#batches[this.#head] = NOTHING;
    this.#head += 1;
    if (this.#head >= COMPACT_AFTER && this.#head * 2 >= this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head);
      this.#head = 0;
    }
    if (this.#head === this.#batches.length) {
      this.#batches = [];
      this.#head = 0;
    }
  }
}
