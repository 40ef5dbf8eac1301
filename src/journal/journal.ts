import { CodedError } from '../base/errors.ts';
import type { RecordBatch } from './record-batch.ts';

/**
 * The log. A shard is a sequence of records with offsets 0, 1, 2, …; a batch is durable as a whole or absent as a whole.
 * The port is shaped for a network in between: nothing here answers synchronously but the promise itself.
 */
export interface Journal {
  /** Idempotent; a different durability for an existing shard is refused with `shard_mismatch`. */
  createShard(shard: ShardDescription): Promise<void>;
  /**
   * Appends the batch and settles once it is as durable as the shard promises. Appends to a shard commit in call order;
   * those that wait together share one sync. The batch's buffer must not change until the promise settles.
   * A rejected append has left nothing behind that a later read or recovery could return.
   */
  append(shard: string, batch: RecordBatch): Promise<AppendResult>;
  /** Committed records only, in offset order. */
  read(shard: string, request: ReadRequest): Promise<ReadResult>;
  /** First retained offset and committed end (the offset the next record will get). */
  bounds(shard: string): Promise<ShardBounds>;
  /** Calls back with the new committed end after every commit, until the returned function is called. */
  follow(shard: string, onCommit: (end: number) => void): () => void;
  /** Records below `before` are no longer wanted by anyone; whole segments below it go. */
  trim(shard: string, before: number): Promise<void>;
  /** Retention by size and age never passes this offset until the hard limit; undefined lifts the guard. */
  protect(shard: string, holder: string, from: number | undefined): void;
  /** Commits what is under way and releases every handle. */
  close(): Promise<void>;
}

export interface ShardDescription {
  /** `[a-z0-9_$.-]+`, also a folder name. */
  readonly name: string;
  /** A shard that is not durable lives in memory: fast, bounded by size, gone with the process. */
  readonly durable: boolean;
}

export interface AppendResult {
  /** Offset of the batch's first record. */
  readonly baseOffset: number;
  readonly segmentId: number;
  /** Byte position of the batch in its segment. */
  readonly position: number;
  readonly bytes: number;
  /** When each stage ended, Unix milliseconds: what the tracing around the engine turns into spans. */
  readonly startedAt: number;
  readonly writtenAt: number;
  readonly indexedAt: number;
  readonly committedAt: number;
}

export interface ReadRequest {
  readonly from: number;
  /** MQTT topic filters; a record is returned when any matches. Undefined returns every record. */
  readonly filters?: readonly string[];
  readonly maxRecords: number;
  readonly maxBytes: number;
}

export interface ReadResult {
  readonly entries: readonly JournalEntry[];
  /**
   * Where to read on: everything below it has been returned or did not match. It may be short of `end` with no entries at
   * all: one read looks through a bounded part of the log.
   */
  readonly next: number;
  /** The committed end when the read was done: `next === end` means caught up. */
  readonly end: number;
  /** Records between `from` and the first retained offset, gone by retention. */
  readonly lost: number;
}

export interface JournalEntry {
  readonly offset: number;
  /** The bytes that hold the record; see RecordView. */
  readonly buffer: Uint8Array;
  readonly position: number;
}

export interface ShardBounds {
  readonly start: number;
  readonly end: number;
}

export type JournalErrorCode =
  | 'unknown_shard'
  | 'shard_mismatch'
  | 'no_space'
  | 'io_failed'
  | 'corrupt'
  | 'too_large'
  | 'overloaded'
  | 'closed';

export class JournalError extends CodedError<JournalErrorCode> {}
