import type { Clock } from '../../../base/clock.ts';
import type { JournalError } from '../../journal.ts';
import type { Drop, JournalCounters } from '../../journal-stats.ts';
import type { Disk } from './disk.ts';
import type { FilePool } from './file-pool.ts';
import type { RetentionLimits } from './retention.ts';

/**
 * When an append is acknowledged: `always` after an fdatasync; `interval` after the write, with an fdatasync every
 * `syncIntervalMs`; `never` after the write, with an fdatasync only when a segment is full or the journal closes.
 */
export type SyncPolicy = 'always' | 'interval' | 'never';

export interface SegmentSettings extends RetentionLimits {
  /** Size at which a segment is full. A batch larger than this gets a segment of its own. */
  readonly segmentBytes: number;
  readonly sync: SyncPolicy;
  readonly syncIntervalMs: number;
  /** Newest batches of a shard kept in memory. */
  readonly cacheBytes: number;
  /** Appends of a shard that wait for their commit. An append beyond it is refused with `overloaded`. */
  readonly maxQueuedBytes: number;
  /** A larger batch is refused with `too_large`. */
  readonly maxBatchBytes: number;
}

/** What the operator should hear of. */
export type SegmentEvent =
  | {
      readonly kind: 'tail_truncated';
      readonly shard: string;
      readonly path: string;
      readonly at: number;
      readonly bytes: number;
    }
  | { readonly kind: 'index_rebuilt'; readonly shard: string; readonly path: string }
  | { readonly kind: 'append_failed'; readonly shard: string; readonly error: JournalError }
  | { readonly kind: 'append_recovered'; readonly shard: string }
  | { readonly kind: 'trimmed'; readonly shard: string; readonly start: number; readonly records: number }
  /** An index could not be written or a segment not removed: tried again later, nothing is lost. */
  | { readonly kind: 'housekeeping_failed'; readonly shard: string; readonly error: JournalError };

/** What every shard of a segment journal works with. */
export interface ShardEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly settings: SegmentSettings;
  readonly counters: JournalCounters;
  readonly files: FilePool;
  readonly randomUint32: () => number;
  readonly onDrop: (drop: Drop) => void;
  readonly onEvent: (event: SegmentEvent) => void;
  /** Told of every commit: its records, and how long its sync took (0 without one). */
  readonly onCommit: (records: number, syncMs: number) => void;
}
