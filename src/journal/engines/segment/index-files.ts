import { crc32c } from '@node-rs/crc32';
import type { Disk } from './disk.ts';
import { toJournalError } from './disk-error.ts';
import { OffsetIndex } from './offset-index.ts';
import type { LogSummary, Segment } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import type { ShardEnvironment } from './shard-environment.ts';
import { encodeTopics, SealedTopicIndex } from './topic-index.ts';

/*
 * `.index` and `.topics` files: a header, then a body. They only repeat what the log says, so they are written without
 * a sync: one that is torn fails a checksum and is made anew from the log.
 *
 *   header := magic:u32 header_crc32c:u32 body_crc32c:u32 body_length:u32 salt:u32 reserved:u32
 *             log_bytes:f64 end:f64 last_timestamp:f64
 *             header_crc32c covers what follows it in the header
 */
const MAGIC = 0x31494d52; // "RMI1"
const HEADER_BYTES = 48;

/** A failure is told and harmless: the files are made anew when they are needed. */
export async function writeIndexFiles(
  shard: string,
  segment: Segment,
  index: SegmentIndex,
  { disk, onEvent }: ShardEnvironment,
): Promise<void> {
  try {
    await writeChecked(disk, segment.topicsPath, segment.summary, encodeTopics(index.topics));
    await writeChecked(disk, segment.indexPath, segment.summary, index.offsets.encode());
  } catch (cause) {
    onEvent({ kind: 'housekeeping_failed', shard, error: toJournalError(cause, `cannot write ${segment.indexPath}`) });
  }
}

/** The summary alone, which is all a start needs; undefined when the file is missing or torn. */
export async function readSummary(disk: Disk, path: string): Promise<LogSummary | undefined> {
  const header = await readFile(disk, path, HEADER_BYTES);
  return header === undefined ? undefined : parseHeader(header)?.summary;
}

/** The whole index; undefined when a file is missing, torn, or made from another length of the log. */
export async function readIndexFiles(disk: Disk, segment: Segment): Promise<SegmentIndex | undefined> {
  const offsets = await readChecked(disk, segment.indexPath, segment.bytes);
  const topics = await readChecked(disk, segment.topicsPath, segment.bytes);
  if (offsets === undefined || topics === undefined) return undefined;
  return new SegmentIndex(OffsetIndex.decode(offsets), new SealedTopicIndex(topics));
}

async function writeChecked(disk: Disk, path: string, summary: LogSummary, body: Uint8Array): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(crc32c(body), 8);
  header.writeUInt32LE(body.length, 12);
  header.writeUInt32LE(summary.salt, 16);
  header.writeDoubleLE(summary.logBytes, 24);
  header.writeDoubleLE(summary.end, 32);
  header.writeDoubleLE(summary.lastTimestamp, 40);
  header.writeUInt32LE(crc32c(header.subarray(8)), 4);
  const file = await disk.open(path, 'create');
  try {
    // A short write leaves a file that fails its checksum: as good as none.
    await file.write([header, body], 0);
  } finally {
    await file.close();
  }
}

async function readChecked(disk: Disk, path: string, logBytes: number): Promise<Buffer | undefined> {
  const bytes = await readFile(disk, path);
  const header = bytes === undefined ? undefined : parseHeader(bytes);
  if (bytes === undefined || header === undefined || header.summary.logBytes !== logBytes) return undefined;
  const body = bytes.subarray(HEADER_BYTES, HEADER_BYTES + header.bodyLength);
  return body.length === header.bodyLength && crc32c(body) === header.bodyChecksum ? body : undefined;
}

function parseHeader(header: Buffer): { summary: LogSummary; bodyLength: number; bodyChecksum: number } | undefined {
  if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
  if (header.readUInt32LE(4) !== crc32c(header.subarray(8, HEADER_BYTES))) return undefined;
  const summary = {
    salt: header.readUInt32LE(16),
    logBytes: header.readDoubleLE(24),
    end: header.readDoubleLE(32),
    lastTimestamp: header.readDoubleLE(40),
  };
  return { summary, bodyLength: header.readUInt32LE(12), bodyChecksum: header.readUInt32LE(8) };
}

/** @returns undefined when there is no such file */
async function readFile(disk: Disk, path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<Disk['open']>>;
  try {
    file = await disk.open(path, 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), maxBytes));
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}
