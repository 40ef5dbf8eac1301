import { join } from 'node:path';
import type { AppendResult, ReadRequest, ReadResult, ShardBounds } from '../../journal.ts';
import type { ShardStats } from '../../journal-stats.ts';
import type { RecordBatch } from '../../record-batch.ts';
import type { HeldBatch } from '../common/batch-arena.ts';
import { BatchWindow } from '../common/batch-window.ts';
import { Followers } from '../common/followers.ts';
import { Holders } from '../common/holders.ts';
import { ReadCollector } from '../common/read-collector.ts';
import type { TopicMatcher } from '../common/topic-matcher.ts';
import type { ActiveSegment } from './active-segment.ts';
import { toJournalError } from './disk-error.ts';
import { IndexCache } from './index-cache.ts';
import { writeIndexFiles } from './index-files.ts';
import { readBlocks } from './read-blocks.ts';
import { type RecoveredShard, recoverShard } from './recover-shard.ts';
import { isExpired, planRetention } from './retention.ts';
import type { Segment } from './segment.ts';
import type { SegmentIndex } from './segment-index.ts';
import { SegmentRemover } from './segment-remover.ts';
import type { ShardEnvironment } from './shard-environment.ts';
import { type CommitObserver, ShardWriter } from './shard-writer.ts';

/** One read looks at no more of the disk than this, so that a filter which matches little does not read for minutes. */
const MAX_SCAN_BYTES = 4 * 1024 * 1024;

/** One shard: its segments, the newest batches in memory, and who follows or protects it. */
export class SegmentShard implements CommitObserver {
  readonly name: string;
  readonly holders = new Holders();
  readonly followers = new Followers();
  readonly #environment: ShardEnvironment;
  readonly #segments: Segment[];
  readonly #window: BatchWindow;
  readonly #indexes: IndexCache;
  readonly #remover: SegmentRemover;
  readonly #writer: ShardWriter;
  #activeIndex: SegmentIndex;
  #sealing: Promise<void> = Promise.resolve();
  #reads = 0;
  #onLastRead: (() => void) | undefined;

  private constructor(
    name: string,
    folder: string,
    { segments, active }: RecoveredShard,
    environment: ShardEnvironment,
  ) {
    this.name = name;
    this.#environment = environment;
    this.#segments = segments;
    this.#activeIndex = active.index;
    this.#window = new BatchWindow(active.segment.end);
    this.#indexes = new IndexCache(name, environment);
    this.#remover = new SegmentRemover(name, folder, environment);
    this.#writer = new ShardWriter(name, folder, active, environment, this);
  }

  /** Opens the shard below `parent`, or makes it. @throws JournalError `corrupt`, `no_space`, `io_failed` */
  static async open(parent: string, name: string, environment: ShardEnvironment): Promise<SegmentShard> {
    const folder = join(parent, name);
    try {
      await environment.disk.createFolder(folder);
      return new SegmentShard(name, folder, await recoverShard(name, folder, environment), environment);
    } catch (cause) {
      throw toJournalError(cause, `cannot open shard "${name}"`);
    }
  }

  get bounds(): ShardBounds {
    return { start: this.#segments[0]!.base, end: this.#active.end };
  }

  get stats(): ShardStats {
    const bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return { name: this.name, ...this.bounds, bytes, segments: this.#segments.length };
  }

  append(batch: RecordBatch): Promise<AppendResult> {
    return this.#writer.append(batch);
  }

  async read(request: ReadRequest, matcher: TopicMatcher | undefined): Promise<ReadResult> {
    const collector = new ReadCollector(request, matcher);
    this.#reads += 1;
    try {
      for (let scannedBytes = 0; scannedBytes < MAX_SCAN_BYTES; ) {
        const { start, end } = this.bounds;
        collector.clamp(start, end);
        if (collector.full || collector.next >= end) break;
        if (collector.next >= this.#window.start) {
          this.#window.readInto(collector);
          break;
        }
        scannedBytes += await this.#readFromDisk(collector);
      }
      return collector.result(this.bounds.end);
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#onLastRead?.();
    }
  }

  /** Whole segments below the offset go, whoever protects them: the caller says that nobody does. */
  trim(before: number): Promise<void> {
    const count = this.#segments.findIndex(
      (segment, index) => segment.end > before || index === this.#segments.length - 1,
    );
    this.#removeOldest(count);
    return this.#remover.settled();
  }

  /** Applies the limits of size and age. */
  applyRetention(): Promise<void> {
    const { settings, clock, counters, onDrop } = this.#environment;
    const now = clock.now();
    const plan = planRetention(this.#segments, settings, now, this.holders.lowest());
    this.#removeOldest(plan.segments);
    if (plan.droppedRecords > 0) {
      counters.droppedRecords += plan.droppedRecords;
      onDrop({ shard: this.name, records: plan.droppedRecords, reason: 'hard_limit' });
    }
    if (isExpired(this.#active, settings, now)) this.#writer.requestRoll();
    return this.#remover.settled();
  }

  committed(batches: readonly HeldBatch[]): void {
    for (const batch of batches) this.#window.push(batch);
    this.#window.shrinkTo(this.#environment.settings.cacheBytes);
    this.followers.notify(this.#active.end);
  }

  rolled(full: ActiveSegment, fresh: ActiveSegment): void {
    this.#segments.push(fresh.segment);
    this.#activeIndex = fresh.index;
    this.#indexes.put(full.segment, Promise.resolve(full.index));
    this.#sealing = this.#sealing.then(() => this.#seal(full));
    void this.applyRetention();
  }

  /**
   * Commits what is under way.
   * @throws JournalError `io_failed` when what was acknowledged could not be made durable, or what was rejected not cut off
   */
  async close(): Promise<void> {
    this.followers.clear();
    try {
      const active = await this.#writer.close();
      await this.#sealing;
      if (active !== undefined) await writeIndexFiles(this.name, active.segment, active.index, this.#environment);
    } catch (cause) {
      throw toJournalError(cause, `cannot close shard "${this.name}"`);
    } finally {
      await this.#remover.settled();
      await this.#readsDone();
    }
  }

  #readsDone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#reads === 0) resolve();
      else this.#onLastRead = resolve;
    });
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  async #readFromDisk(collector: ReadCollector): Promise<number> {
    const segment = this.#segmentOf(collector.next);
    try {
      const index = segment === this.#active ? this.#activeIndex : await this.#indexes.get(segment);
      return await readBlocks(this.#environment.files, segment, index, collector);
    } catch (cause) {
      // Retention took the segment while it was being opened: its records count as lost, and the read goes on behind them.
      if (segment.base < this.bounds.start) return 0;
      throw toJournalError(cause, `cannot read shard "${this.name}"`);
    }
  }

  #segmentOf(offset: number): Segment {
    let low = 0;
    let high = this.#segments.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.base <= offset) low = middle;
      else high = middle;
    }
    return this.#segments[low]!;
  }

  #removeOldest(count: number): void {
    if (count <= 0) return;
    const removed = this.#segments.splice(0, count);
    const { start } = this.bounds;
    const records = start - removed[0]!.base;
    this.#environment.counters.trimmedRecords += records;
    this.#environment.onEvent({ kind: 'trimmed', shard: this.name, start, records });
    this.#window.dropBelow(start);
    for (const segment of removed) this.#indexes.forget(segment);
    // Not before its index files are written: they would outlive it.
    this.#remover.remove(removed, this.#sealing);
  }

  async #seal(full: ActiveSegment): Promise<void> {
    await writeIndexFiles(this.name, full.segment, full.index, this.#environment);
    try {
      await full.close();
    } catch (cause) {
      const error = toJournalError(cause, `cannot close ${full.segment.logPath}`);
      this.#environment.onEvent({ kind: 'housekeeping_failed', shard: this.name, error });
    }
  }
}
