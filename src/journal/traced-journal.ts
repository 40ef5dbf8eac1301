import type { Clock } from '../base/clock.ts';
import { ATTRIBUTES, SPANS } from '../telemetry/catalogue.ts';
import type { Recorder, SpanHandle } from '../telemetry/recorder.ts';
import {
  type AppendResult,
  type Journal,
  JournalError,
  type ReadRequest,
  type ReadResult,
  type ShardBounds,
  type ShardDescription,
} from './journal.ts';
import type { RecordBatch, TracedRecord } from './record-batch.ts';

/** As many as a span may hold. */
const MAX_LINKS = 128;

/**
 * A journal whose appends are recorded: below the context of each traced record `journal/write` with what it waited
 * for, and for the batch one `journal/commit` linked to all of them. A batch without traced records costs a comparison.
 */
export class TracedJournal implements Journal {
  readonly #journal: Journal;
  readonly #recorder: Recorder;
  readonly #clock: Clock;

  constructor(journal: Journal, recorder: Recorder, clock: Clock) {
    this.#journal = journal;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  append(shard: string, batch: RecordBatch): Promise<AppendResult> {
    const appending = this.#journal.append(shard, batch);
    return batch.traced.length === 0 ? appending : this.#record(shard, batch, appending);
  }

  createShard(description: ShardDescription): Promise<void> {
    return this.#journal.createShard(description);
  }

  read(shard: string, request: ReadRequest): Promise<ReadResult> {
    return this.#journal.read(shard, request);
  }

  bounds(shard: string): Promise<ShardBounds> {
    return this.#journal.bounds(shard);
  }

  follow(shard: string, onCommit: (end: number) => void): () => void {
    return this.#journal.follow(shard, onCommit);
  }

  trim(shard: string, before: number): Promise<void> {
    return this.#journal.trim(shard, before);
  }

  protect(shard: string, holder: string, from: number | undefined): void {
    this.#journal.protect(shard, holder, from);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #record(shard: string, batch: RecordBatch, appending: Promise<AppendResult>): Promise<AppendResult> {
    const startedAt = this.#clock.now();
    let result: AppendResult;
    try {
      result = await appending;
    } catch (error) {
      const failedAt = this.#clock.now();
      for (const record of batch.traced) this.#recordFailure(shard, batch, record, startedAt, failedAt, error);
      throw error;
    }
    for (const record of batch.traced) this.#recordWrite(shard, record, result);
    this.#recordCommit(shard, batch, result);
    return result;
  }

  #recordWrite(shard: string, { context }: TracedRecord, result: AppendResult): void {
    const recorder = this.#recorder;
    const { startedAt, writtenAt, indexedAt, committedAt } = result;
    const write = recorder.continued(SPANS.journalWrite, context, 0, startedAt);
    recorder.attribute(write, ATTRIBUTES.journalShard, shard);
    recorder.end(recorder.child(SPANS.segmentAppend, write, startedAt), writtenAt);
    recorder.end(recorder.child(SPANS.indexUpdate, write, writtenAt), indexedAt);
    const storage = this.#startStorage(write, result.bytes, startedAt);
    recorder.attribute(storage, ATTRIBUTES.storageSegmentId, String(result.segmentId));
    recorder.attribute(storage, ATTRIBUTES.storageOffset, result.baseOffset);
    recorder.attribute(storage, ATTRIBUTES.storageSuccess, true);
    recorder.end(storage, committedAt);
    recorder.end(write, committedAt);
  }

  #recordFailure(
    shard: string,
    batch: RecordBatch,
    { context }: TracedRecord,
    startedAt: number,
    failedAt: number,
    error: unknown,
  ): void {
    const recorder = this.#recorder;
    const type = error instanceof JournalError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    const write = recorder.continued(SPANS.journalWrite, context, 0, startedAt);
    recorder.attribute(write, ATTRIBUTES.journalShard, shard);
    const storage = this.#startStorage(write, batch.length, startedAt);
    recorder.attribute(storage, ATTRIBUTES.storageSuccess, false);
    recorder.fail(storage, type, message, error);
    recorder.end(storage, failedAt);
    recorder.fail(write, type, message, error);
    recorder.end(write, failedAt);
  }

  #startStorage(write: SpanHandle, bytes: number, startedAt: number): SpanHandle {
    const storage = this.#recorder.child(SPANS.storageJournalWrite, write, startedAt);
    this.#recorder.attribute(storage, ATTRIBUTES.storageOperation, 'append');
    this.#recorder.attribute(storage, ATTRIBUTES.storageDataSize, bytes);
    return storage;
  }

  /** In the trace of the first: a trace of its own would be chosen or left out without regard to the messages it belongs to. */
  #recordCommit(shard: string, batch: RecordBatch, result: AppendResult): void {
    const recorder = this.#recorder;
    const { traced } = batch;
    const commit = recorder.continued(SPANS.journalCommit, traced[0]!.context, 0, result.startedAt);
    recorder.attribute(commit, ATTRIBUTES.journalShard, shard);
    recorder.attribute(commit, ATTRIBUTES.journalBatchRecords, batch.count);
    recorder.attribute(commit, ATTRIBUTES.linkedMessages, traced.length);
    for (let index = 0; index < traced.length && index < MAX_LINKS; index += 1)
      recorder.link(commit, traced[index]!.context, 0);
    recorder.end(commit, result.committedAt);
  }
}
