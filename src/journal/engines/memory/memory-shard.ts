import type { Clock } from '../../../base/clock.ts';
import { type AppendResult, JournalError, type ReadRequest, type ReadResult, type ShardBounds } from '../../journal.ts';
import type { Drop, JournalCounters, ShardStats } from '../../journal-stats.ts';
import type { RecordBatch } from '../../record-batch.ts';
import { BatchArena } from '../common/batch-arena.ts';
import { stampBaseOffset } from '../common/batch-header.ts';
import { BatchWindow } from '../common/batch-window.ts';
import { Followers } from '../common/followers.ts';
import { Holders } from '../common/holders.ts';
import { ReadCollector } from '../common/read-collector.ts';
import type { TopicMatcher } from '../common/topic-matcher.ts';

/** A full shard gives up this share at once, so that looking at all holders is rare. */
const GIVE_UP_SHARE = 1 / 16;

export interface MemoryShardEnvironment {
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly counters: JournalCounters;
  readonly onDrop: (drop: Drop) => void;
}

export class MemoryShard {
  readonly name: string;
  readonly durable: boolean;
  readonly holders = new Holders();
  readonly followers = new Followers();
  readonly #environment: MemoryShardEnvironment;
  readonly #arena = new BatchArena();
  readonly #window = new BatchWindow(0);
  #position = 0;
  #notifying = false;

  constructor(name: string, durable: boolean, environment: MemoryShardEnvironment) {
    this.name = name;
    this.durable = durable;
    this.#environment = environment;
  }

  get bounds(): ShardBounds {
    return { start: this.#window.start, end: this.#window.end };
  }

  get stats(): ShardStats {
    return { name: this.name, ...this.bounds, bytes: this.#window.bytes, segments: 1 };
  }

  /** @throws JournalError `too_large` */
  append(batch: RecordBatch): AppendResult {
    const { clock, counters, maxBytes } = this.#environment;
    const startedAt = clock.now();
    const bytes = batch.seal();
    if (bytes.length > maxBytes) {
      counters.rejectedBatches += 1;
      throw new JournalError('too_large', `a batch of ${bytes.length} bytes exceeds the shard's ${maxBytes}`);
    }
    const held = this.#arena.hold(bytes, batch.count);
    held.baseOffset = this.#window.end;
    stampBaseOffset(held.buffer, held.start, held.baseOffset);
    this.#window.push(held);
    if (this.#window.bytes > maxBytes) this.#giveUpOldest();
    const position = this.#position;
    this.#position += held.length;
    counters.batches += 1;
    counters.commits += 1;
    counters.records += held.count;
    counters.bytes += held.length;
    this.#notifySoon();
    const committedAt = clock.now();
    return {
      baseOffset: held.baseOffset,
      segmentId: 0,
      position,
      bytes: held.length,
      startedAt,
      writtenAt: committedAt,
      indexedAt: committedAt,
      committedAt,
    };
  }

  read(request: ReadRequest, matcher: TopicMatcher | undefined): ReadResult {
    const collector = new ReadCollector(request, matcher);
    collector.clamp(this.#window.start, this.#window.end);
    this.#window.readInto(collector);
    return collector.result(this.#window.end);
  }

  trim(before: number): void {
    const oldStart = this.#window.start;
    this.#window.dropBelow(before);
    this.#environment.counters.trimmedRecords += this.#window.start - oldStart;
  }

  #giveUpOldest(): void {
    const { maxBytes, counters, onDrop } = this.#environment;
    const oldStart = this.#window.start;
    this.#window.shrinkTo(maxBytes * (1 - GIVE_UP_SHARE));
    counters.trimmedRecords += this.#window.start - oldStart;
    const records = Math.max(0, this.#window.start - Math.max(oldStart, this.holders.lowest()));
    if (records === 0) return;
    counters.droppedRecords += records;
    onDrop({ shard: this.name, records, reason: 'memory_full' });
  }

  /** Once for all appends of a turn, and never from within `append` itself. */
  #notifySoon(): void {
    if (this.#notifying) return;
    this.#notifying = true;
    queueMicrotask(() => {
      this.#notifying = false;
      this.followers.notify(this.#window.end);
    });
  }
}
