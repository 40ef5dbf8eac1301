/** What a journal has done since it was opened, for the scrape. All counts only grow. */
export interface JournalStats {
  readonly batches: number;
  readonly records: number;
  /** Bytes of committed batches. */
  readonly bytes: number;
  /** Groups of batches that were committed together. */
  readonly commits: number;
  readonly syncs: number;
  /** Batches whose append was refused or failed. */
  readonly rejectedBatches: number;
  /** Records that reads returned. */
  readonly readRecords: number;
  /** Records dropped although a holder still protected them. */
  readonly droppedRecords: number;
  /** Records that went by retention or trim, dropped ones among them. */
  readonly trimmedRecords: number;
  /** Bytes of torn tails cut off at the start. */
  readonly truncatedBytes: number;
  readonly shards: readonly ShardStats[];
}

/** A shard as it is now. */
export interface ShardStats {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  readonly segments: number;
}

/** Records that went although a holder protected them. */
export interface Drop {
  readonly shard: string;
  readonly records: number;
  /** `memory_full`: a memory shard reached its size; `hard_limit`: a segment shard reached `retentionHardBytes`. */
  readonly reason: 'memory_full' | 'hard_limit';
}

/** The counters behind JournalStats, one per engine. */
export class JournalCounters {
  batches = 0;
  records = 0;
  bytes = 0;
  commits = 0;
  syncs = 0;
  rejectedBatches = 0;
  readRecords = 0;
  droppedRecords = 0;
  trimmedRecords = 0;
  truncatedBytes = 0;

  snapshot(shards: readonly ShardStats[]): JournalStats {
    return { ...this, shards };
  }
}
