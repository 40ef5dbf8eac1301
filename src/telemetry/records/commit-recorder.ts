import { MAX_RECORD_WORDS } from '../ring/ring-memory.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import { FLAGS_AT, FORCED_FLAG, SAMPLED_FLAG, SPAN_ID_AT } from '../trace-context.ts';
import { contextWord } from './deciding-bits.ts';
import { RECORD } from './record-kinds.ts';
import { type TraceIds, withStage } from './trace-ids.ts';

/*
 * COMMIT := u1 records that are traced; f1 begun at; f2 written at; f3 indexed at; f4 committed at; f5 offset of the first
 *           record; u12 bytes; u13 records in the batch; u14 shard; u15 segment; u16-u17 id of `journal/commit`;
 *           u18 extra (why it failed; 0: it did not); u19 flags: 1 it has a commit span
 *           then for each traced record three words: u0-u3 trace id, u4-u5 span id of the message, whose last byte says
 *           instead what the flags of its context say: whether the trace was chosen at the head, and by whom
 */
export const COMMIT_HEADER_WORDS = 10;
export const COMMIT_ENTRY_WORDS = 3;
export const COMMIT = {
  begunAt: 1,
  writtenAt: 2,
  indexedAt: 3,
  committedAt: 4,
  baseOffset: 5,
  bytes: 12,
  records: 13,
  shard: 14,
  segment: 15,
  span: 16,
  extra: 18,
  flags: 19,
} as const;
export const HAS_COMMIT_SPAN = 1;
/** write, append, index, storage. */
const SPANS_OF_RECORD = 4;
/** write and storage. */
const SPANS_OF_FAILED_RECORD = 2;
const MAX_ENTRIES = Math.floor((MAX_RECORD_WORDS - COMMIT_HEADER_WORDS) / COMMIT_ENTRY_WORDS);

export function spansOfCommit(count: number, flags: number, isFailed: boolean): number {
  const perRecord = isFailed ? SPANS_OF_FAILED_RECORD : SPANS_OF_RECORD;
  return count * perRecord + ((flags & HAS_COMMIT_SPAN) !== 0 ? 1 : 0);
}

/** One group commit, or the attempt at one. Times in Unix milliseconds. */
export interface Commit {
  readonly begunAt: number;
  readonly writtenAt: number;
  readonly indexedAt: number;
  readonly committedAt: number;
  readonly baseOffset: number;
  readonly bytes: number;
  readonly records: number;
  /** Text references. */
  readonly shard: number;
  readonly segment: number;
  /** Reference of an extra with the failure; 0: it succeeded. */
  readonly failure: number;
}

/** Writes the journal's part of the traces of stored messages. */
export class CommitRecorder {
  readonly #writer: RingWriter;
  readonly #ids: TraceIds;
  readonly #spanId = new Uint32Array(2);

  constructor(writer: RingWriter, ids: TraceIds) {
    this.#writer = writer;
    this.#ids = ids;
  }

  /** `contexts`: where in `bytes` the contexts of the traced records lie. */
  commit(commit: Commit, bytes: Uint8Array, contexts: readonly number[]): void {
    for (let start = 0; start < contexts.length; start += MAX_ENTRIES)
      this.#write(commit, bytes, contexts, start, Math.min(contexts.length, start + MAX_ENTRIES));
    this.#writer.announce();
  }

  #write(commit: Commit, bytes: Uint8Array, contexts: readonly number[], from: number, to: number): void {
    const writer = this.#writer;
    const count = to - from;
    const at = writer.reserve(RECORD.commit, COMMIT_HEADER_WORDS + count * COMMIT_ENTRY_WORDS);
    const half = at * 2;
    const { u32, f64 } = writer;
    this.#ids.takeSpanId(this.#spanId, 0);
    const flags = from === 0 && commit.failure === 0 ? HAS_COMMIT_SPAN : 0;
    u32[half + 1] = count;
    f64[at + COMMIT.begunAt] = commit.begunAt;
    f64[at + COMMIT.writtenAt] = commit.writtenAt;
    f64[at + COMMIT.indexedAt] = commit.indexedAt;
    f64[at + COMMIT.committedAt] = commit.committedAt;
    f64[at + COMMIT.baseOffset] = commit.baseOffset;
    u32[half + COMMIT.bytes] = commit.bytes;
    u32[half + COMMIT.records] = commit.records;
    u32[half + COMMIT.shard] = commit.shard;
    u32[half + COMMIT.segment] = commit.segment;
    u32[half + COMMIT.span] = this.#spanId[0]!;
    u32[half + COMMIT.span + 1] = this.#spanId[1]!;
    u32[half + COMMIT.extra] = commit.failure;
    u32[half + COMMIT.flags] = flags;
    let entry = (at + COMMIT_HEADER_WORDS) * 2;
    for (let index = from; index < to; index += 1) {
      const context = contexts[index]!;
      // By words: a loop over the bytes takes three times as long.
      u32[entry] = contextWord(bytes, context);
      u32[entry + 1] = contextWord(bytes, context + 4);
      u32[entry + 2] = contextWord(bytes, context + 8);
      u32[entry + 3] = contextWord(bytes, context + 12);
      u32[entry + 4] = contextWord(bytes, context + SPAN_ID_AT);
      const flags = bytes[context + FLAGS_AT]! & (SAMPLED_FLAG | FORCED_FLAG);
      u32[entry + 5] = withStage(contextWord(bytes, context + SPAN_ID_AT + 4), flags);
      entry += COMMIT_ENTRY_WORDS * 2;
    }
    writer.complete(spansOfCommit(count, flags, commit.failure !== 0));
  }
}
