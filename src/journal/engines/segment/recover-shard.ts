import { ActiveSegment } from './active-segment.ts';
import type { Disk, DiskFile } from './disk.ts';
import { corrupt } from './disk-error.ts';
import { readIndexFiles, readSummary, writeIndexFiles } from './index-files.ts';
import { type ScanStart, scanLog } from './log-scan.ts';
import { baseOffsetOf, type LogSummary, Segment } from './segment.ts';
import { GrowingSegmentIndex } from './segment-index.ts';
import type { ShardEnvironment } from './shard-environment.ts';
import { TopicIndexBuilder } from './topic-index-builder.ts';

export interface RecoveredShard {
  /** In offset order, the active one last. */
  readonly segments: Segment[];
  readonly active: ActiveSegment;
}

/**
 * Opens what the last run left: full segments by their index files, the last one by walking what its index does not vouch for.
 * @throws JournalError `corrupt` when something is missing or damaged that had been durable
 */
export async function recoverShard(
  shard: string,
  folder: string,
  environment: ShardEnvironment,
): Promise<RecoveredShard> {
  const names = await environment.disk.listFiles(folder);
  const bases = names.map(baseOffsetOf).filter((base) => base !== undefined);
  bases.sort((left, right) => left - right);
  const lastBase = bases.pop();
  if (lastBase === undefined) {
    const active = await ActiveSegment.create(environment.disk, folder, 0, environment.randomUint32());
    return { segments: [active.segment], active };
  }
  const segments: Segment[] = [];
  for (const base of bases) segments.push(await recoverFull(shard, folder, base, environment));
  const active = await recoverLast(shard, folder, lastBase, environment);
  segments.push(active.segment);
  refuseGaps(segments);
  return { segments, active };
}

function refuseGaps(segments: readonly Segment[]): void {
  for (let index = 1; index < segments.length; index += 1) {
    const { base, logPath } = segments[index]!;
    const { end } = segments[index - 1]!;
    if (base !== end) throw corrupt(logPath, 0, `it begins at offset ${base}, the segment before it ends at ${end}`);
  }
}

/** A segment with a successor was synced as a whole before its successor came into being: nothing may be torn. */
async function recoverFull(
  shard: string,
  folder: string,
  base: number,
  environment: ShardEnvironment,
): Promise<Segment> {
  const { disk, files, onEvent } = environment;
  const { logPath, indexPath } = new Segment(folder, base, 0);
  const summary = await readSummary(disk, indexPath);
  return files.with(logPath, async (file) => {
    const size = await file.size();
    refuseShorter(logPath, size, summary);
    if (summary !== undefined && summary.logBytes === size) return summarized(folder, base, summary);
    const index = new GrowingSegmentIndex(base);
    const segment = await scanned(file, folder, base, startOf(base), index, 0);
    if (segment.bytes < size) throw corrupt(logPath, segment.bytes, 'not a whole batch');
    await writeIndexFiles(shard, segment, index, environment);
    onEvent({ kind: 'index_rebuilt', shard, path: indexPath });
    return segment;
  });
}

async function recoverLast(
  shard: string,
  folder: string,
  base: number,
  { disk, counters, randomUint32, onEvent }: ShardEnvironment,
): Promise<ActiveSegment> {
  const { logPath, indexPath } = new Segment(folder, base, 0);
  const file = await disk.open(logPath, 'write');
  try {
    const size = await file.size();
    const summary = await readSummary(disk, indexPath);
    refuseShorter(logPath, size, summary);
    const known = summary === undefined ? undefined : await writtenIndex(disk, summarized(folder, base, summary));
    const index = known ?? new GrowingSegmentIndex(base);
    const start = summary === undefined || known === undefined ? startOf(base) : behind(summary);
    const segment = await scanned(file, folder, base, start, index, randomUint32());
    refuseShorter(logPath, segment.bytes, summary);
    if (segment.bytes < size) {
      await file.truncate(segment.bytes);
      counters.truncatedBytes += size - segment.bytes;
      onEvent({ kind: 'tail_truncated', shard, path: logPath, at: segment.bytes, bytes: size - segment.bytes });
    } else {
      // What is returned from now on must be durable; the last run may have left it to the kernel.
      await file.sync();
    }
    return new ActiveSegment(segment, index, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

const startOf = (base: number): ScanStart => ({ position: 0, offset: base, lastTimestamp: 0, salt: undefined });

const behind = ({ logBytes, end, lastTimestamp, salt }: LogSummary): ScanStart => ({
  position: logBytes,
  offset: end,
  lastTimestamp,
  salt: logBytes > 0 ? salt : undefined,
});

/** The index a clean close left, to go on from it; undefined when it is torn. */
async function writtenIndex(disk: Disk, segment: Segment): Promise<GrowingSegmentIndex | undefined> {
  const written = await readIndexFiles(disk, segment);
  if (written === undefined) return undefined;
  return new GrowingSegmentIndex(segment.base, written.offsets, TopicIndexBuilder.from(written.topics));
}

function summarized(folder: string, base: number, summary: LogSummary): Segment {
  const segment = new Segment(folder, base, summary.salt);
  segment.bytes = summary.logBytes;
  segment.end = summary.end;
  segment.lastTimestamp = summary.lastTimestamp;
  return segment;
}

/** @param freshSalt for a segment in which no batch says which it has */
async function scanned(
  file: DiskFile,
  folder: string,
  base: number,
  start: ScanStart,
  index: GrowingSegmentIndex,
  freshSalt: number,
): Promise<Segment> {
  const { logPath } = new Segment(folder, base, 0);
  const { bytes, end, lastTimestamp, salt } = await scanLog(file, logPath, start, (buffer, at, position) =>
    index.add(buffer, at, position),
  );
  return summarized(folder, base, { logBytes: bytes, end, lastTimestamp, salt: salt ?? freshSalt });
}

/** An index file vouches for the bytes it was made from: they were durable before it was written. */
function refuseShorter(path: string, bytes: number, summary: LogSummary | undefined): void {
  if (summary === undefined || bytes >= summary.logBytes) return;
  throw corrupt(path, bytes, `the log was durable up to byte ${summary.logBytes}`);
}
