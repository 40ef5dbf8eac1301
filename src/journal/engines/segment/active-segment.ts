import { assert } from '../../../base/errors.ts';
import type { HeldBatch } from '../common/batch-arena.ts';
import { batchLastTimestamp, stampBatch } from '../common/batch-header.ts';
import type { Disk, DiskFile } from './disk.ts';
import { Segment } from './segment.ts';
import { GrowingSegmentIndex } from './segment-index.ts';

/**
 * Up to this size a blocking write is used: it copies into the page cache in less time (70 µs) than a round trip to the
 * thread pool costs, and saves a tenth to a fifth of a commit's time and a quarter of its CPU. Above it the loop would be held up.
 */
const BLOCKING_WRITE_BYTES = 256 * 1024;

/** The segment that is being written. What was written but not committed lies behind `segment.bytes`. */
export class ActiveSegment {
  readonly segment: Segment;
  readonly index: GrowingSegmentIndex;
  readonly #file: DiskFile;
  #syncedBytes: number;

  /** All that the segment holds must be durable. */
  constructor(segment: Segment, index: GrowingSegmentIndex, file: DiskFile) {
    this.segment = segment;
    this.index = index;
    this.#file = file;
    this.#syncedBytes = segment.bytes;
  }

  /** Makes an empty segment whose file survives a crash. */
  static async create(disk: Disk, folder: string, base: number, salt: number): Promise<ActiveSegment> {
    const segment = new Segment(folder, base, salt);
    const file = await disk.open(segment.logPath, 'create');
    try {
      await disk.syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new ActiveSegment(segment, new GrowingSegmentIndex(base), file);
  }

  get isSynced(): boolean {
    return this.#syncedBytes === this.segment.bytes;
  }

  /** Stamps the batches with their offsets and writes them behind the committed ones. */
  async write(batches: readonly HeldBatch[]): Promise<void> {
    let offset = this.segment.end;
    let position = this.segment.bytes;
    for (const batch of batches) {
      batch.baseOffset = offset;
      stampBatch(batch.buffer, batch.start, offset, this.segment.salt, position - this.#syncedBytes);
      offset += batch.count;
      position += batch.length;
    }
    await this.#writeAll(joinNeighbours(batches), position - this.segment.bytes);
  }

  /** Adds to the index what `write` wrote. */
  addToIndex(batches: readonly HeldBatch[]): void {
    let position = this.segment.bytes;
    for (const batch of batches) {
      this.index.add(batch.buffer, batch.start, position);
      position += batch.length;
    }
  }

  /** Makes what `write` wrote part of the log. */
  commit(batches: readonly HeldBatch[], synced: boolean): void {
    const { segment } = this;
    for (const batch of batches) {
      segment.bytes += batch.length;
      segment.end += batch.count;
      segment.lastTimestamp = Math.max(segment.lastTimestamp, batchLastTimestamp(batch.buffer, batch.start));
    }
    if (synced) this.#syncedBytes = segment.bytes;
  }

  /** Makes durable what is written; the caller commits it. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Makes durable what is committed already. */
  async syncCommitted(): Promise<void> {
    await this.#file.sync();
    this.#syncedBytes = this.segment.bytes;
  }

  /** Removes what was written and not committed, durably. */
  async cutTail(): Promise<void> {
    this.index.truncate(this.segment.bytes);
    await this.#file.truncate(this.segment.bytes);
    this.#syncedBytes = this.segment.bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #writeAll(buffers: readonly Uint8Array[], bytes: number): Promise<void> {
    let rest = buffers;
    let left = bytes;
    let position = this.segment.bytes;
    while (left > 0) {
      const written =
        left <= BLOCKING_WRITE_BYTES ? this.#file.writeNow(rest, position) : await this.#file.write(rest, position);
      assert(written > 0, 'a write that does not fail makes progress');
      left -= written;
      position += written;
      if (left > 0) rest = withoutFirst(rest, written);
    }
  }
}

/** Batches that lie side by side in memory leave as one buffer. */
function joinNeighbours(batches: readonly HeldBatch[]): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  for (let index = 0; index < batches.length; ) {
    const { buffer, start } = batches[index]!;
    let end = start;
    while (index < batches.length && batches[index]!.buffer === buffer && batches[index]!.start === end) {
      end += batches[index]!.length;
      index += 1;
    }
    buffers.push(buffer.subarray(start, end));
  }
  return buffers;
}

function withoutFirst(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length;
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}
