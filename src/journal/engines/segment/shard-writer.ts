import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AppendResult, JournalError } from '../../journal.ts';
import type { RecordBatch } from '../../record-batch.ts';
import { BatchArena, type HeldBatch } from '../common/batch-arena.ts';
import { ActiveSegment } from './active-segment.ts';
import { AppendQueue, type PendingAppend } from './append-queue.ts';
import { toJournalError } from './disk-error.ts';
import type { ShardEnvironment } from './shard-environment.ts';

/** Most that one commit carries, so that the first to wait does not wait for everybody. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;

/** Whether the active segment can be written. */
type Condition =
  | { readonly kind: 'ready' }
  /** Full, or its file cannot be trusted with more: a new segment comes first. */
  | { readonly kind: 'must_roll' }
  /** A failed append still lies behind the committed end. */
  | { readonly kind: 'must_cut'; readonly next: Condition }
  /** What was acknowledged may be lost; only a restart can tell. */
  | { readonly kind: 'stopped'; readonly cause: JournalError };

const READY: Condition = { kind: 'ready' };
const MUST_ROLL: Condition = { kind: 'must_roll' };

/** Where the writer's work shows. */
export interface CommitObserver {
  /** The batches are part of the log. */
  committed(batches: readonly HeldBatch[]): void;
  /** `full` will not be written any more; `fresh` follows it. */
  rolled(full: ActiveSegment, fresh: ActiveSegment): void;
}

/**
 * Group commit of one shard. Appends that arrive while a commit is under way wait; then all of them leave with one
 * write and one sync. Nothing else touches the active segment's file, so its steps need no lock.
 */
export class ShardWriter {
  readonly #shard: string;
  readonly #folder: string;
  readonly #environment: ShardEnvironment;
  readonly #observer: CommitObserver;
  readonly #arena = new BatchArena();
  readonly #queue: AppendQueue;
  #active: ActiveSegment;
  #condition: Condition = READY;
  #failing = false;
  #rollWanted = false;
  #syncDue = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;

  constructor(
    shard: string,
    folder: string,
    active: ActiveSegment,
    environment: ShardEnvironment,
    observer: CommitObserver,
  ) {
    this.#shard = shard;
    this.#folder = folder;
    this.#active = active;
    this.#environment = environment;
    this.#observer = observer;
    this.#queue = new AppendQueue(environment.settings.maxQueuedBytes);
  }

  /**
   * Copies the batch and commits it with those that wait.
   * @throws JournalError `too_large`, `overloaded`, `no_space`, `io_failed`
   */
  append(batch: RecordBatch): Promise<AppendResult> {
    const { settings, clock, counters } = this.#environment;
    const bytes = batch.seal();
    const refusal =
      bytes.length > settings.maxBatchBytes
        ? new JournalError('too_large', `a batch of ${bytes.length} bytes exceeds ${settings.maxBatchBytes}`)
        : this.#queue.hasRoomFor(bytes.length)
          ? undefined
          : new JournalError('overloaded', `more than ${settings.maxQueuedBytes} bytes wait to be committed`);
    if (refusal !== undefined) {
      counters.rejectedBatches += 1;
      return Promise.reject(refusal);
    }
    const held = this.#arena.hold(bytes, batch.count);
    const startedAt = clock.now();
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch: held, startedAt, resolve, reject });
      this.#wake();
    });
  }

  /** Starts a new segment as soon as nothing is being written, so that the present one can go. */
  requestRoll(): void {
    this.#rollWanted = true;
    this.#wake();
  }

  /**
   * Commits what waits, makes it durable, and closes the file. Nothing may be appended any more.
   * @returns the last segment when all of it is durable
   */
  async close(): Promise<ActiveSegment | undefined> {
    await this.#pumping;
    clearTimeout(this.#syncTimer);
    try {
      if (this.#condition.kind === 'must_cut') await this.#cut(this.#condition.next);
      if (!this.#active.isSynced) await this.#syncCommitted();
      return this.#condition.kind === 'ready' ? this.#active : undefined;
    } finally {
      await this.#active.close();
    }
  }

  /** After the present turn's synchronous code, so that what it appends goes together. */
  #wake(): void {
    this.#pumping ??= Promise.resolve().then(() => this.#pump());
  }

  async #pump(): Promise<void> {
    do {
      await this.#step();
      // Those just acknowledged append again before the next group is closed.
      await nextTurn();
    } while (!this.#queue.isEmpty || this.#rollWanted || this.#syncDue);
    this.#pumping = undefined;
  }

  async #step(): Promise<void> {
    try {
      if (this.#syncDue) await this.#syncCommitted();
      if (this.#rollWanted) await this.#rollIfUsed();
      if (!this.#queue.isEmpty) await this.#makeReady(this.#queue.headBytes);
    } catch (cause) {
      this.#refuse([], cause, `cannot prepare the log of shard "${this.#shard}"`);
      return;
    }
    if (this.#queue.isEmpty) return;
    const room = this.#environment.settings.segmentBytes - this.#active.segment.bytes;
    await this.#commit(this.#queue.take(Math.min(room, MAX_COMMIT_BYTES)));
  }

  async #commit(appends: readonly PendingAppend[]): Promise<void> {
    const { clock, settings } = this.#environment;
    const active = this.#active;
    const batches = appends.map((append) => append.batch);
    try {
      await active.write(batches);
    } catch (cause) {
      await this.#rollBack(READY);
      this.#refuse(appends, cause, `cannot write to shard "${this.#shard}"`);
      return;
    }
    const writtenAt = clock.now();
    const syncing = settings.sync === 'always' ? active.sync() : undefined;
    // While the disk works.
    active.addToIndex(batches);
    const indexedAt = clock.now();
    try {
      await syncing;
    } catch (cause) {
      // Never sync again and believe it: the kernel may have marked the pages clean when it reported the error, and would then report
      // success for bytes that are on no disk. They are cut off, and the file gets no more.
      await this.#rollBack(active.segment.bytes > 0 ? MUST_ROLL : READY);
      this.#refuse(appends, cause, `cannot sync shard "${this.#shard}"`);
      return;
    }
    const committedAt = syncing === undefined ? indexedAt : clock.now();
    this.#settle(appends, batches, { writtenAt, indexedAt, committedAt });
  }

  #settle(
    appends: readonly PendingAppend[],
    batches: readonly HeldBatch[],
    times: Pick<AppendResult, 'writtenAt' | 'indexedAt' | 'committedAt'>,
  ): void {
    const { settings, counters, onCommit, onEvent } = this.#environment;
    const { segment } = this.#active;
    const synced = settings.sync === 'always';
    const { writtenAt, indexedAt, committedAt } = times;
    let position = segment.bytes;
    const firstOffset = segment.end;
    this.#active.commit(batches, synced);
    this.#observer.committed(batches);
    for (const { batch, startedAt, resolve } of appends) {
      const { baseOffset, length: bytes } = batch;
      resolve({ baseOffset, segmentId: segment.base, position, bytes, startedAt, writtenAt, indexedAt, committedAt });
      position += bytes;
      counters.bytes += bytes;
    }
    counters.batches += batches.length;
    counters.records += segment.end - firstOffset;
    counters.commits += 1;
    if (synced) counters.syncs += 1;
    else if (settings.sync === 'interval') this.#syncLater();
    onCommit(segment.end - firstOffset, committedAt - writtenAt);
    if (!this.#failing) return;
    this.#failing = false;
    onEvent({ kind: 'append_recovered', shard: this.#shard });
  }

  /** Rejects the appends and all that wait: they would fail too, or overtake. */
  #refuse(appends: readonly PendingAppend[], cause: unknown, doing: string): void {
    const error = toJournalError(cause, doing);
    const refused = [...appends, ...(this.#queue.isEmpty ? [] : this.#queue.take(Number.POSITIVE_INFINITY))];
    this.#environment.counters.rejectedBatches += refused.length;
    for (const { reject } of refused) reject(error);
    if (this.#failing) return;
    this.#failing = true;
    this.#environment.onEvent({ kind: 'append_failed', shard: this.#shard, error });
  }

  /**
   * Cuts off what was written and not committed, before its appends are rejected: nothing of them may come back
   * after a crash. While the disk refuses even that, nothing is written and every append is rejected.
   */
  async #rollBack(next: Condition): Promise<void> {
    this.#condition = { kind: 'must_cut', next };
    try {
      await this.#cut(next);
    } catch {
      // The failure that led here is the one to report; the next append tries to cut again.
    }
  }

  async #cut(next: Condition): Promise<void> {
    const wasSynced = this.#active.isSynced;
    try {
      await this.#active.cutTail();
    } catch (cause) {
      // The sync within would have been that of acknowledged bytes too; see #syncCommitted.
      if (!wasSynced) this.#stop(cause);
      throw cause;
    }
    this.#condition = next;
  }

  async #makeReady(bytes: number): Promise<void> {
    if (this.#condition.kind === 'stopped') throw this.#condition.cause;
    if (this.#condition.kind === 'must_cut') await this.#cut(this.#condition.next);
    const { segment } = this.#active;
    const isFull = segment.bytes > 0 && segment.bytes + bytes > this.#environment.settings.segmentBytes;
    if (isFull || this.#condition.kind === 'must_roll') await this.#roll();
  }

  async #rollIfUsed(): Promise<void> {
    this.#rollWanted = false;
    if (this.#condition.kind === 'ready' && this.#active.segment.bytes > 0) await this.#roll();
  }

  async #roll(): Promise<void> {
    const full = this.#active;
    // From here on only forward: if the new file comes into being halfway, the old one must not grow past its name.
    this.#condition = MUST_ROLL;
    // A segment with a successor is whole; recovery relies on it.
    if (!full.isSynced) await this.#syncCommitted();
    const { disk, randomUint32 } = this.#environment;
    this.#active = await ActiveSegment.create(disk, this.#folder, full.segment.end, randomUint32());
    this.#condition = READY;
    this.#observer.rolled(full, this.#active);
  }

  #syncLater(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#syncDue = true;
      this.#wake();
    }, this.#environment.settings.syncIntervalMs).unref();
  }

  /** Of bytes that were acknowledged without a sync: when it fails they may be gone, and going on would hide it. */
  async #syncCommitted(): Promise<void> {
    this.#syncDue = false;
    if (this.#condition.kind === 'stopped') throw this.#condition.cause;
    try {
      await this.#active.syncCommitted();
    } catch (cause) {
      throw this.#stop(cause);
    }
    this.#environment.counters.syncs += 1;
  }

  #stop(cause: unknown): JournalError {
    const error = toJournalError(
      cause,
      `cannot sync what shard "${this.#shard}" has acknowledged; restart to recover it`,
    );
    this.#condition = { kind: 'stopped', cause: error };
    return error;
  }
}
