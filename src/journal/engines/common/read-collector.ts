import type { JournalEntry, ReadRequest, ReadResult } from '../../journal.ts';
import { BATCH_HEADER_BYTES } from '../../record-batch.ts';
import { batchBaseOffset, batchCount } from './batch-header.ts';
import type { TopicMatcher } from './topic-matcher.ts';

/** Gathers one read: takes batches in offset order, keeps what matches, stops at the limits. */
export class ReadCollector {
  readonly matcher: TopicMatcher | undefined;
  readonly #entries: JournalEntry[] = [];
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #next: number;
  #lost = 0;
  #full: boolean;

  constructor(request: ReadRequest, matcher: TopicMatcher | undefined) {
    this.matcher = matcher;
    this.#maxRecords = request.maxRecords;
    this.#maxBytes = request.maxBytes;
    this.#next = request.from;
    this.#full = request.maxRecords <= 0;
  }

  get next(): number {
    return this.#next;
  }

  get full(): boolean {
    return this.#full;
  }

  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /**
   * Moves the position into what exists: forward to the first retained offset (what lies between is lost), back to the end when
   * a cursor is ahead of it, which can be after a crash of a journal that does not sync every commit.
   */
  clamp(start: number, end: number): void {
    if (this.#next < start) {
      this.#lost += start - this.#next;
      this.#next = start;
    }
    if (this.#next > end) this.#next = end;
  }

  /** Passes over records that are known not to match. */
  skipTo(offset: number): void {
    if (offset > this.#next) this.#next = offset;
  }

  /** Takes what is wanted of the batch at `start`, whose bytes must have passed their checksum. */
  take(buffer: Buffer, start: number): void {
    const base = batchBaseOffset(buffer, start);
    const end = base + batchCount(buffer, start);
    let position = start + BATCH_HEADER_BYTES;
    for (let offset = base; offset < end && !this.#full; offset += 1) {
      const length = buffer.readUInt32LE(position);
      if (offset >= this.#next) this.#consider(buffer, position, offset, length);
      position += length;
    }
  }

  /**
   * Moves the entries that lie in `buffer` to a buffer of their size when they fill less than half of it: a
   * filtered read must not keep megabytes of other topics' records alive.
   */
  detach(buffer: Buffer): void {
    if (this.matcher === undefined) return;
    let first = this.#entries.length;
    let bytes = 0;
    while (first > 0 && this.#entries[first - 1]!.buffer === buffer) {
      first -= 1;
      bytes += buffer.readUInt32LE(this.#entries[first]!.position);
    }
    if (bytes === 0 || bytes * 2 >= buffer.length) return;
    const compact = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (let index = first; index < this.#entries.length; index += 1) {
      const { offset, position } = this.#entries[index]!;
      const length = buffer.readUInt32LE(position);
      compact.set(buffer.subarray(position, position + length), at);
      this.#entries[index] = { offset, buffer: compact, position: at };
      at += length;
    }
  }

  result(end: number): ReadResult {
    return { entries: this.#entries, next: this.#next, end, lost: this.#lost };
  }

  #consider(buffer: Buffer, position: number, offset: number, length: number): void {
    if (this.matcher === undefined || this.matcher.matchesRecord(buffer, position)) {
      // The first record is returned whatever its size: a reader must get past it.
      if (this.#entries.length > 0 && this.#bytes + length > this.#maxBytes) {
        this.#full = true;
        return;
      }
      this.#entries.push({ offset, buffer, position });
      this.#bytes += length;
      this.#full = this.#entries.length >= this.#maxRecords || this.#bytes >= this.#maxBytes;
    }
    this.#next = offset + 1;
  }
}
