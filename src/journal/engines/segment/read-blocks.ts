import { BATCH_HEADER_BYTES } from '../../record-batch.ts';
import { batchBaseOffset, hasValidChecksum, plausibleLength } from '../common/batch-header.ts';
import type { ReadCollector } from '../common/read-collector.ts';
import { corrupt } from './disk-error.ts';
import type { FilePool } from './file-pool.ts';
import type { Segment } from './segment.ts';
import type { SegmentIndex } from './segment-index.ts';

const MIN_READ_BYTES = 16 * 1024;
const MAX_READ_BYTES = 256 * 1024;

/**
 * Reads the next run of blocks that may hold what the collector wants, and moves its position behind it. Sees nothing but what
 * was committed when it was called.
 * @returns the bytes read: 0 when the index ruled out the rest of the segment
 * @throws JournalError `corrupt`
 */
export async function readBlocks(
  files: FilePool,
  segment: Segment,
  index: SegmentIndex,
  collector: ReadCollector,
): Promise<number> {
  const { bytes: committedBytes, end: committedEnd, base, logPath } = segment;
  const { offsets } = index;
  const { matcher } = collector;
  const first = index.nextCandidate(offsets.find(collector.next - base), matcher);
  if (first >= offsets.blocks || offsets.position(first) >= committedBytes) {
    collector.skipTo(committedEnd);
    return 0;
  }
  const budget = Math.max(MIN_READ_BYTES, Math.min(MAX_READ_BYTES, collector.bytesLeft));
  const from = offsets.position(first);
  let behind = first + 1;
  while (
    behind < offsets.blocks &&
    offsets.position(behind) - from < budget &&
    index.nextCandidate(behind, matcher) === behind
  ) {
    behind += 1;
  }
  const to = behind < offsets.blocks ? Math.min(offsets.position(behind), committedBytes) : committedBytes;
  collector.skipTo(base + offsets.relativeOffset(first));
  const buffer = Buffer.allocUnsafeSlow(to - from);
  const read = await files.with(logPath, (file) => file.read(buffer, from));
  if (read < buffer.length) throw corrupt(logPath, from + read, 'the file ends within what was committed');
  takeBatches(buffer, from, logPath, collector);
  collector.detach(buffer);
  return buffer.length;
}

function takeBatches(buffer: Buffer, from: number, path: string, collector: ReadCollector): void {
  for (let at = 0; at < buffer.length && !collector.full; ) {
    const length = at + BATCH_HEADER_BYTES <= buffer.length ? plausibleLength(buffer, at) : 0;
    const whole = length > 0 && at + length <= buffer.length && hasValidChecksum(buffer, at, length);
    if (!whole || batchBaseOffset(buffer, at) > collector.next) throw corrupt(path, from + at, 'not a whole batch');
    collector.take(buffer, at);
    at += length;
  }
}
