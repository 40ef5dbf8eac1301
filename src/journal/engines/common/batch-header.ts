import { crc32c } from '@node-rs/crc32';
import { BATCH_HEADER_BYTES, BATCH_MAGIC, RECORD_HEADER_BYTES } from '../../record-batch.ts';

/* The header of a sealed batch where it lies in a buffer; `at` is the batch's first byte. Layout: record-batch.ts. */

const CHECKSUM_AT = 8;
const SALT_AT = 12;
const BASE_OFFSET_AT = 16;
const COUNT_AT = 24;
const UNSYNCED_AT = 28;
const LAST_TIMESTAMP_AT = 40;

const batchLength = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at + 4);
export const batchSalt = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at + SALT_AT);
export const batchBaseOffset = (buffer: Buffer, at: number): number => buffer.readDoubleLE(at + BASE_OFFSET_AT);
export const batchCount = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at + COUNT_AT);
export const batchUnsynced = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at + UNSYNCED_AT);
export const batchLastTimestamp = (buffer: Buffer, at: number): number => buffer.readDoubleLE(at + LAST_TIMESTAMP_AT);

export function stampBaseOffset(buffer: Buffer, at: number, baseOffset: number): void {
  buffer.writeDoubleLE(baseOffset, at + BASE_OFFSET_AT);
}

/** Fills in what the journal gives a batch, and the checksum over all of it. */
export function stampBatch(buffer: Buffer, at: number, baseOffset: number, salt: number, unsynced: number): void {
  stampBaseOffset(buffer, at, baseOffset);
  buffer.writeUInt32LE(salt, at + SALT_AT);
  buffer.writeUInt32LE(unsynced, at + UNSYNCED_AT);
  buffer.writeUInt32LE(checksum(buffer, at, batchLength(buffer, at)), at + CHECKSUM_AT);
}

/** The length the header claims, or 0 when these 48 bytes cannot be a header. Claims nothing about the checksum. */
export function plausibleLength(buffer: Buffer, at: number): number {
  if (buffer.readUInt32LE(at) !== BATCH_MAGIC) return 0;
  const length = batchLength(buffer, at);
  const count = batchCount(buffer, at);
  return count > 0 && length >= BATCH_HEADER_BYTES + count * RECORD_HEADER_BYTES ? length : 0;
}

/** Whether the `length` bytes at `at` are what was once stamped. */
export function hasValidChecksum(buffer: Buffer, at: number, length: number): boolean {
  return checksum(buffer, at, length) === buffer.readUInt32LE(at + CHECKSUM_AT);
}

function checksum(buffer: Buffer, at: number, length: number): number {
  return crc32c(buffer.subarray(at + SALT_AT, at + length));
}
