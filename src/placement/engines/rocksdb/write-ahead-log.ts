import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { PlacementError } from '../../placement.ts';

/**
 * Physical records of RocksDB's write-ahead log, format "Write Ahead Log File Format" of its documentation: blocks of
 * 32 KiB; each record a masked CRC32C (4 bytes, little endian) of what follows the length, a length (2), a type (1),
 * and the payload. No record crosses a block; a batch that would is cut into first, middle and last.
 */
const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const MASK_DELTA = 0xa282ead8;

/**
 * RocksDB stops at the first damaged record and drops everything behind it without a word; its binding offers no
 * stricter recovery. At the end of a log that is right: the last batch was torn and never acknowledged. But every batch
 * is synced before the next is written, so damage with a later batch behind it is the loss of acknowledged writes.
 * @throws PlacementError `corrupt` with the file and the offset of such damage
 */
export async function verifyWriteAheadLogs(directory: string): Promise<void> {
  for (const name of await fileNames(directory)) {
    if (!name.endsWith('.log')) continue;
    const file = join(directory, name);
    const damagedAt = findDamage(await readFile(file));
    if (damagedAt !== undefined) {
      const message = `${file} is damaged at offset ${damagedAt}, with later writes behind it`;
      throw new PlacementError('corrupt', message);
    }
  }
}

/** Offset of the first damaged record that has the beginning of an intact one behind it. */
export function findDamage(log: Buffer): number | undefined {
  let at = 0;
  while (at < log.length) {
    if (blockRemainder(at) < HEADER_BYTES) {
      at += blockRemainder(at);
      continue;
    }
    const length = recordLength(log, at);
    if (length === undefined) return batchBeginsBehind(log, at) ? at : undefined;
    at += length;
  }
  return undefined;
}

function batchBeginsBehind(log: Buffer, damagedAt: number): boolean {
  for (let at = damagedAt + 1; at + HEADER_BYTES <= log.length; at++) {
    const type = log[at + 6];
    if ((type === FULL || type === FIRST) && recordLength(log, at) !== undefined) return true;
  }
  return false;
}

/** Header and payload of the record at this offset; `undefined` when there is no intact one. */
function recordLength(log: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > log.length) return undefined;
  const length = HEADER_BYTES + log.readUInt16LE(at + 4);
  if (length > blockRemainder(at) || at + length > log.length) return undefined;
  const checksum = crc32c(log.subarray(at + 6, at + length));
  return mask(checksum) === log.readUInt32LE(at) ? length : undefined;
}

function mask(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + MASK_DELTA) >>> 0;
}

function blockRemainder(at: number): number {
  return BLOCK_BYTES - (at % BLOCK_BYTES);
}

async function fileNames(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
