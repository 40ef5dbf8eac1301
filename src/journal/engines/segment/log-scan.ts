import { BATCH_HEADER_BYTES, BATCH_MAGIC } from '../../record-batch.ts';
import {
  batchBaseOffset,
  batchCount,
  batchLastTimestamp,
  batchSalt,
  batchUnsynced,
  hasValidChecksum,
  plausibleLength,
} from '../common/batch-header.ts';
import type { DiskFile } from './disk.ts';
import { corrupt } from './disk-error.ts';

const WINDOW_BYTES = 1024 * 1024;
const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32LE(BATCH_MAGIC);

export interface ScanStart {
  readonly position: number;
  readonly offset: number;
  readonly lastTimestamp: number;
  /** Undefined as long as no batch of the segment is known. */
  readonly salt: number | undefined;
}

/** How far the log is whole. `bytes` below the file's size: the rest is what a crash tore. */
export interface ScanResult {
  readonly bytes: number;
  readonly end: number;
  readonly lastTimestamp: number;
  readonly salt: number | undefined;
}

/**
 * Walks the batches of a log file and checks each.
 *
 * Where a batch is incomplete or fails its checksum, the question is whether it was ever durable. A batch behind it
 * that is whole says so: it carries how much before it was not yet synced when it was written. If the damaged place had been synced by
 * then, what was promised is gone, and that is refused. Otherwise the damage is a tail that was never acknowledged: a
 * crash may keep any part of what was not synced, later pages without earlier ones too.
 *
 * @throws JournalError `corrupt` with the file and the position of the damage
 */
export async function scanLog(
  file: DiskFile,
  path: string,
  from: ScanStart,
  onBatch: (buffer: Buffer, start: number, position: number) => void,
): Promise<ScanResult> {
  const log = new LogWindow(file, await file.size());
  let { position, offset, lastTimestamp, salt } = from;
  while (position < log.size) {
    const length = await log.wholeBatchAt(position);
    if (length === 0 || batchBaseOffset(log.buffer, log.at(position)) !== offset) {
      const witness = await durableWitness(log, position, offset, salt);
      if (witness === undefined) break;
      throw corrupt(path, position, `not a whole batch at offset ${offset}, but the batch at byte ${witness} is`);
    }
    const start = log.at(position);
    onBatch(log.buffer, start, position);
    lastTimestamp = Math.max(lastTimestamp, batchLastTimestamp(log.buffer, start));
    salt = batchSalt(log.buffer, start);
    offset += batchCount(log.buffer, start);
    position += length;
  }
  return { bytes: position, end: offset, lastTimestamp, salt };
}

/** The position of a whole batch which proves that the bytes at `damaged` had been durable; undefined when there is none. */
async function durableWitness(
  log: LogWindow,
  damaged: number,
  offset: number,
  salt: number | undefined,
): Promise<number | undefined> {
  for (let position = await log.nextMagic(damaged + 1); position >= 0; position = await log.nextMagic(position + 1)) {
    if (position + BATCH_HEADER_BYTES > log.size) return undefined;
    await log.load(position, BATCH_HEADER_BYTES);
    const start = log.at(position);
    if (salt !== undefined && batchSalt(log.buffer, start) !== salt) continue;
    if (batchBaseOffset(log.buffer, start) < offset) continue;
    if (position - batchUnsynced(log.buffer, start) <= damaged) continue;
    if ((await log.wholeBatchAt(position)) > 0) return position;
  }
  return undefined;
}

/** A part of the file in memory, moved forward as the scan goes on. */
class LogWindow {
  readonly size: number;
  buffer = Buffer.alloc(0);
  readonly #file: DiskFile;
  #start = 0;

  constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Where the file's byte `position`, which must be loaded, lies in the buffer. */
  at(position: number): number {
    return position - this.#start;
  }

  async load(position: number, bytes: number): Promise<void> {
    if (position >= this.#start && position + bytes <= this.#start + this.buffer.length) return;
    const length = Math.min(Math.max(bytes, WINDOW_BYTES), this.size - position);
    const buffer = Buffer.allocUnsafeSlow(length);
    this.buffer = buffer.subarray(0, await this.#file.read(buffer, position));
    this.#start = position;
  }

  /** The length of the whole, valid batch at `position`, which is then loaded; 0 when there is none. */
  async wholeBatchAt(position: number): Promise<number> {
    if (position + BATCH_HEADER_BYTES > this.size) return 0;
    await this.load(position, BATCH_HEADER_BYTES);
    const length = plausibleLength(this.buffer, this.at(position));
    if (length === 0 || position + length > this.size) return 0;
    await this.load(position, length);
    return hasValidChecksum(this.buffer, this.at(position), length) ? length : 0;
  }

  /** The position of the next batch magic; -1 when there is none. */
  async nextMagic(from: number): Promise<number> {
    for (let position = from; position + MAGIC_BYTES.length <= this.size; ) {
      await this.load(position, MAGIC_BYTES.length);
      const found = this.buffer.indexOf(MAGIC_BYTES, this.at(position));
      if (found >= 0) return this.#start + found;
      position = Math.max(position + 1, this.#start + this.buffer.length - MAGIC_BYTES.length + 1);
    }
    return -1;
  }
}
