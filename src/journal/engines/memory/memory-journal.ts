import type { Clock } from '../../../base/clock.ts';
import { assert } from '../../../base/errors.ts';
import {
  type AppendResult,
  type Journal,
  JournalError,
  type ReadRequest,
  type ReadResult,
  type ShardBounds,
  type ShardDescription,
} from '../../journal.ts';
import { type Drop, JournalCounters, type JournalStats } from '../../journal-stats.ts';
import type { RecordBatch } from '../../record-batch.ts';
import { isShardName, ShardTable } from '../common/shard-table.ts';
import { TopicMatchers } from '../common/topic-matcher.ts';
import { MemoryShard } from './memory-shard.ts';

export interface MemoryJournalOptions {
  readonly clock: Clock;
  /** Size of a shard in bytes of batches; 64 MiB when not given. When it is full the oldest batches go, protected or not. */
  readonly maxBytes?: number;
  /** Told of every drop of records that a holder still protected. */
  readonly onDrop?: (drop: Drop) => void;
}

/**
 * The journal in memory: nothing survives the process, whatever a shard's description says. An append is committed when the
 * call returns; its promise settles in the same turn.
 */
export class MemoryJournal implements Journal {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #onDrop: (drop: Drop) => void;
  readonly #counters = new JournalCounters();
  readonly #matchers = new TopicMatchers();
  readonly #shards = new ShardTable<MemoryShard>();

  constructor(options: MemoryJournalOptions) {
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    this.#onDrop = options.onDrop ?? (() => {});
  }

  async createShard(description: ShardDescription): Promise<void> {
    this.#shards.assertOpen();
    const { name, durable } = description;
    assert(isShardName(name), `"${name}" is a shard name`);
    const existing = this.#shards.find(name);
    if (existing === undefined) {
      const environment = {
        maxBytes: this.#maxBytes,
        clock: this.#clock,
        counters: this.#counters,
        onDrop: this.#onDrop,
      };
      this.#shards.add(name, new MemoryShard(name, durable, environment));
    } else if (existing.durable !== durable) {
      throw new JournalError('shard_mismatch', `shard "${name}" exists with durable = ${existing.durable}`);
    }
  }

  async append(shard: string, batch: RecordBatch): Promise<AppendResult> {
    return this.#shards.get(shard).append(batch);
  }

  async read(shard: string, request: ReadRequest): Promise<ReadResult> {
    const result = this.#shards.get(shard).read(request, this.#matchers.for(request.filters));
    this.#counters.readRecords += result.entries.length;
    return result;
  }

  async bounds(shard: string): Promise<ShardBounds> {
    return this.#shards.get(shard).bounds;
  }

  follow(shard: string, onCommit: (end: number) => void): () => void {
    return this.#shards.get(shard).followers.add(onCommit);
  }

  async trim(shard: string, before: number): Promise<void> {
    this.#shards.get(shard).trim(before);
  }

  protect(shard: string, holder: string, from: number | undefined): void {
    this.#shards.get(shard).holders.protect(holder, from);
  }

  stats(): JournalStats {
    return this.#counters.snapshot(this.#shards.values().map((shard) => shard.stats));
  }

  async close(): Promise<void> {
    this.#shards.close();
    for (const shard of this.#shards.values()) shard.followers.clear();
  }
}
