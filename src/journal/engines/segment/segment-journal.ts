import { randomBytes } from 'node:crypto';
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
import { JournalCounters, type JournalStats } from '../../journal-stats.ts';
import type { RecordBatch } from '../../record-batch.ts';
import { isShardName, ShardTable } from '../common/shard-table.ts';
import { TopicMatchers } from '../common/topic-matcher.ts';
import { FilePool } from './file-pool.ts';
import { nodeDisk } from './node-disk.ts';
import { SegmentShard } from './segment-shard.ts';
import type { SegmentSettings, ShardEnvironment } from './shard-environment.ts';

const MIB = 1024 * 1024;
/** Positions in a segment are 32 bits wide on disk. */
const MAX_SEGMENT_BYTES = 2 ** 31;

const DEFAULT_SETTINGS: SegmentSettings = {
  segmentBytes: 64 * MIB,
  sync: 'always',
  syncIntervalMs: 1000,
  cacheBytes: 8 * MIB,
  maxQueuedBytes: 64 * MIB,
  maxBatchBytes: 64 * MIB,
  retentionBytes: Number.POSITIVE_INFINITY,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionHardBytes: Number.POSITIVE_INFINITY,
};

export interface SegmentJournalOptions
  extends Partial<SegmentSettings>,
    Pick<ShardEnvironment, 'clock'>,
    Partial<Pick<ShardEnvironment, 'disk' | 'randomUint32' | 'onDrop' | 'onEvent' | 'onCommit'>> {
  /** Holds one folder per shard. */
  readonly folder: string;
  /** Full segments kept open for readers; 64 when not given. */
  readonly maxOpenFiles?: number;
  /** How often the limits of size and age are looked at, beside every time a segment fills; 10 s when not given. */
  readonly retentionCheckMs?: number;
}

/** The journal on disk: append-only files with group commit. Every shard is durable. */
export class SegmentJournal implements Journal {
  readonly #folder: string;
  readonly #environment: ShardEnvironment;
  readonly #matchers = new TopicMatchers();
  readonly #shards = new ShardTable<SegmentShard>();
  readonly #opening = new Map<string, Promise<void>>();
  readonly #retentionTimer: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  private constructor(options: SegmentJournalOptions) {
    const {
      folder,
      maxOpenFiles,
      retentionCheckMs,
      disk,
      randomUint32,
      onDrop,
      onEvent,
      onCommit,
      clock,
      ...settings
    } = options;
    this.#folder = folder;
    this.#environment = {
      disk: disk ?? nodeDisk,
      clock,
      settings: { ...DEFAULT_SETTINGS, ...settings },
      counters: new JournalCounters(),
      files: new FilePool(disk ?? nodeDisk, maxOpenFiles ?? 64),
      randomUint32: randomUint32 ?? (() => randomBytes(4).readUInt32LE()),
      onDrop: onDrop ?? (() => {}),
      onEvent: onEvent ?? (() => {}),
      onCommit: onCommit ?? (() => {}),
    };
    const { segmentBytes, maxBatchBytes } = this.#environment.settings;
    assert(segmentBytes + maxBatchBytes <= MAX_SEGMENT_BYTES, 'a position in a segment fits 32 bits');
    this.#retentionTimer = setInterval(() => void this.applyRetention(), retentionCheckMs ?? 10_000).unref();
  }

  /**
   * Opens the journal with every shard the folder holds.
   * @throws JournalError `corrupt` with the file and the position of damage that is no torn tail; `io_failed`
   */
  static async open(options: SegmentJournalOptions): Promise<SegmentJournal> {
    const journal = new SegmentJournal(options);
    const { disk } = journal.#environment;
    try {
      await disk.createFolder(options.folder);
      const names = await disk.listFolders(options.folder);
      for (const name of names.filter(isShardName)) await journal.#openShard(name);
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  async createShard({ name, durable }: ShardDescription): Promise<void> {
    this.#shards.assertOpen();
    assert(isShardName(name), `"${name}" is a shard name`);
    if (!durable) throw new JournalError('shard_mismatch', `a shard on disk, like "${name}", is durable`);
    if (this.#shards.find(name) !== undefined) return;
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#openShard(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    await opening;
  }

  async append(shard: string, batch: RecordBatch): Promise<AppendResult> {
    return this.#shards.get(shard).append(batch);
  }

  async read(shard: string, request: ReadRequest): Promise<ReadResult> {
    const result = await this.#shards.get(shard).read(request, this.#matchers.for(request.filters));
    this.#environment.counters.readRecords += result.entries.length;
    return result;
  }

  async bounds(shard: string): Promise<ShardBounds> {
    return this.#shards.get(shard).bounds;
  }

  follow(shard: string, onCommit: (end: number) => void): () => void {
    return this.#shards.get(shard).followers.add(onCommit);
  }

  async trim(shard: string, before: number): Promise<void> {
    await this.#shards.get(shard).trim(before);
  }

  protect(shard: string, holder: string, from: number | undefined): void {
    this.#shards.get(shard).holders.protect(holder, from);
  }

  /** Applies the limits of size and age now; settles when what they removed is gone from the disk. */
  async applyRetention(): Promise<void> {
    this.#shards.assertOpen();
    await Promise.all(this.#shards.values().map((shard) => shard.applyRetention()));
  }

  stats(): JournalStats {
    return this.#environment.counters.snapshot(this.#shards.values().map((shard) => shard.stats));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#shards.close();
    clearInterval(this.#retentionTimer);
    await Promise.allSettled(this.#opening.values());
    const closed = await Promise.allSettled(this.#shards.values().map((shard) => shard.close()));
    await this.#environment.files.close();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  async #openShard(name: string): Promise<void> {
    this.#shards.add(name, await SegmentShard.open(this.#folder, name, this.#environment));
  }
}
