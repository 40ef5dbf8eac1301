import type { Clock } from '../base/clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Recording } from '../telemetry/recording.ts';
import { recordStage, STAGES } from '../telemetry/stage.ts';
import {
  type AppendResult,
  type Journal,
  JournalError,
  type ReadRequest,
  type ReadResult,
  type ShardBounds,
  type ShardDescription,
} from './journal.ts';
import type { RecordBatch } from './record-batch.ts';

/**
 * A journal whose appends are recorded: below the context of each traced record `journal/write` with what it waited
 * for, and for the batch one `journal/commit` linked to all of them. A batch without traced records costs a comparison.
 */
export class TracedJournal implements Journal {
  readonly #journal: Journal;
  readonly #recording: Recording;
  readonly #metrics: Metrics;
  readonly #clock: Clock;

  constructor(journal: Journal, recording: Recording, metrics: Metrics, clock: Clock) {
    this.#journal = journal;
    this.#recording = recording;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  append(shard: string, batch: RecordBatch): Promise<AppendResult> {
    const appending = this.#journal.append(shard, batch);
    return batch.traced.length === 0 || !this.#recording.enabled ? appending : this.#record(shard, batch, appending);
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
    const { commits, texts } = this.#recording;
    const startedAt = this.#clock.now();
    let result: AppendResult;
    try {
      result = await appending;
    } catch (error) {
      this.#recordFailure(shard, batch, startedAt, error);
      throw error;
    }
    recordStage(this.#metrics, STAGES.commit, result.committedAt - startedAt, batch.count);
    const commit = {
      begunAt: result.startedAt,
      writtenAt: result.writtenAt,
      indexedAt: result.indexedAt,
      committedAt: result.committedAt,
      baseOffset: result.baseOffset,
      bytes: result.bytes,
      records: batch.count,
      shard: texts.of(shard),
      segment: texts.of(String(result.segmentId)),
      failure: 0,
    };
    commits.commit(commit, batch.buffer, batch.traced);
    return result;
  }

  #recordFailure(shard: string, batch: RecordBatch, startedAt: number, error: unknown): void {
    const { commits, messages, texts } = this.#recording;
    const type = error instanceof JournalError ? error.code : 'internal';
    const failedAt = this.#clock.now();
    const commit = {
      begunAt: startedAt,
      writtenAt: failedAt,
      indexedAt: failedAt,
      committedAt: failedAt,
      baseOffset: 0,
      bytes: batch.length,
      records: batch.count,
      shard: texts.of(shard),
      segment: 0,
      failure: messages.failure(type, error instanceof Error ? error.message : String(error), error),
    };
    commits.commit(commit, batch.buffer, batch.traced);
  }
}
