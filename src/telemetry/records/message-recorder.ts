import type { TokenBucket } from '../../base/token-bucket.ts';
import { ATTRIBUTES, METRICS } from '../catalogue.ts';
import { counterId, type Metrics } from '../metrics.ts';
import { copyWords } from '../ring/copy-words.ts';
import { MAX_RECORD_WORDS } from '../ring/ring-memory.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import { NO_THRESHOLD } from '../sampling/probability.ts';
import type { TraceHead } from '../sampling/trace-head.ts';
import { thrownError } from '../span-limits.ts';
import { FLAGS_AT, FORCED_FLAG, isSampled, SAMPLED_FLAG } from '../trace-context.ts';
import { contextWord, decidingBits } from './deciding-bits.ts';
import { recordDirect } from './entry-stages.ts';
import type { ExtraEntries } from './extra-entries.ts';
import {
  ENTRY,
  ENTRY_WORDS,
  EntryBatch,
  FLAG,
  type MessageEntry,
  SHAPE,
  SHAPE_MASK,
  SHAPE_SHIFT,
  type Shape,
} from './message-entry.ts';
import { RECORD } from './record-kinds.ts';
import { writeExtra } from './span-record.ts';
import type { TraceIds } from './trace-ids.ts';

/*
 * MESSAGES := u1 entries; f1 dispatched at; f2 answered at; u6 open connections; u7 messages waiting for the journal;
 *             u8 shard; u9 0; then entries (message-entry.ts)
 */
export const MESSAGES_HEADER_WORDS = 5;
export const MESSAGES = { dispatchedAt: 1, answeredAt: 2, connections: 6, queueDepth: 7, shard: 8 } as const;
const MAX_ENTRIES = Math.floor((MAX_RECORD_WORDS - MESSAGES_HEADER_WORDS) / ENTRY_WORDS);

/** What the messages of a record share. */
export interface MessagesStage {
  /** When their matching and pushing began, and when the last was answered. */
  dispatchedAt: number;
  answeredAt: number;
  connections: number;
  queueDepth: number;
  /** Text reference; 0: stored nowhere. */
  shard: number;
}

const SPANS_OF_SHAPE = new Uint8Array(8);
/** publish, validate, authorize, match. */
SPANS_OF_SHAPE[SHAPE.direct] = 4;
/** And persist, query, route. */
SPANS_OF_SHAPE[SHAPE.stored] = 7;
SPANS_OF_SHAPE[SHAPE.unauthorized] = 3;
SPANS_OF_SHAPE[SHAPE.refused] = 3;
SPANS_OF_SHAPE[SHAPE.unstored] = 6;
SPANS_OF_SHAPE[SHAPE.repeated] = 3;
const ACCESS_SPANS = 2;

/** `flags`: an entry's half word ENTRY.flags. */
export function isFailed(flags: number): boolean {
  const shape = (flags >>> SHAPE_SHIFT) & SHAPE_MASK;
  return shape === SHAPE.unauthorized || shape === SHAPE.refused || shape === SHAPE.unstored;
}

/** How many spans an entry stands for. `flags`: its half word ENTRY.flags. */
export function spansOfEntry(flags: number): number {
  const spans = SPANS_OF_SHAPE[(flags >>> SHAPE_SHIFT) & SHAPE_MASK]!;
  return (flags & FLAG.will) === 0 ? spans : spans - ACCESS_SPANS;
}

const tracesTotal = counterId(METRICS.tracesTotal);
const traceErrorsTotal = counterId(METRICS.traceErrorsTotal);

/** The context of a message: 25 bytes, of which `words` are the first six words. */
export interface MessageContext {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

export function messageContext(): MessageContext {
  const buffer = new ArrayBuffer(28);
  return { bytes: new Uint8Array(buffer, 0, FLAGS_AT + 1), words: new Uint32Array(buffer, 0, FLAGS_AT / 4) };
}

/**
 * The broker's part of the traces of messages. An entry is begun when its packet is read, filled by whoever handles it, and
 * written with those it shares a stage with: `direct` at the end of the read, a stored one with its batch.
 */
export class MessageRecorder {
  /** Messages of the read at hand that are over with it. */
  readonly direct = new EntryBatch();
  readonly #writer: RingWriter;
  readonly #ids: TraceIds;
  readonly #head: TraceHead;
  readonly #extra: ExtraEntries;
  readonly #metrics: Metrics;
  #begun = 0;
  #written = 0;

  constructor(writer: RingWriter, ids: TraceIds, head: TraceHead, extra: ExtraEntries, metrics: Metrics) {
    this.#writer = writer;
    this.#ids = ids;
    this.#head = head;
    this.#extra = extra;
    this.#metrics = metrics;
  }

  /** Messages begun and not yet written. */
  get open(): number {
    return this.#begun - this.#written;
  }

  /** A trace of its own, whose identity goes into the entry and into the message's context. */
  begin(entry: MessageEntry, context: MessageContext, threshold = this.#head.threshold): void {
    const { u32 } = entry;
    this.#ids.take(u32, 0);
    u32[ENTRY.parent] = 0;
    u32[ENTRY.parent + 1] = 0;
    const { sampler } = this.#head;
    const isChosen = sampler.chooses(decidingBits(u32, 0), threshold);
    this.#started(
      entry,
      context,
      isChosen ? FLAG.head : 0,
      isChosen ? sampler.effectiveThreshold(threshold) : NO_THRESHOLD,
    );
  }

  /**
   * Below a caller's context (25 bytes), whose flag decides where callers are followed, `forced` so often. `randomness`: the
   * deciding bits where the caller says them itself.
   */
  beginBelow(
    entry: MessageEntry,
    context: MessageContext,
    caller: Uint8Array,
    threshold = this.#head.threshold,
    forced?: TokenBucket,
    now = 0,
    randomness?: number,
  ): void {
    const { u32 } = entry;
    this.#ids.take(u32, 0);
    for (let word = 0; word < 4; word += 1) u32[word] = contextWord(caller, word * 4);
    u32[ENTRY.parent] = contextWord(caller, 16);
    u32[ENTRY.parent + 1] = contextWord(caller, 20);
    const { sampler } = this.#head;
    const bits = randomness ?? decidingBits(u32, 0);
    const decision = sampler.choosesContinued(isSampled(caller), bits, threshold, forced, now);
    const chosen = decision === 'none' ? 0 : decision === 'rate' ? FLAG.head : FLAG.head | FLAG.forced;
    // Where callers are followed, the probability is theirs, whoever else would have chosen the trace.
    const isByRate = decision === 'rate' && !sampler.followsParent;
    this.#started(
      entry,
      context,
      FLAG.remoteParent | chosen,
      isByRate ? sampler.effectiveThreshold(threshold) : NO_THRESHOLD,
    );
  }

  /** The `tracestate` that came with the caller's context. */
  traceState(entry: MessageEntry, text: string): void {
    this.#beginExtra(entry.u32[ENTRY.extra]!);
    this.#extra.traceState(text);
    entry.u32[ENTRY.extra] = writeExtra(this.#writer, this.#extra);
  }

  /** The trace is linked to the context that led to it. */
  link(entry: MessageEntry, context: Uint8Array): void {
    entry.u32[ENTRY.extra] = this.#linkTo(context, entry.u32[ENTRY.extra]!);
  }

  /** What few messages say of themselves. */
  describe(entry: MessageEntry, write: (extra: ExtraEntries) => void): void {
    this.#beginExtra(entry.u32[ENTRY.extra]!);
    write(this.#extra);
    entry.u32[ENTRY.extra] = writeExtra(this.#writer, this.#extra);
  }

  /** Reference of an extra with a link. */
  linkTo(context: Uint8Array): number {
    return this.#linkTo(context, 0);
  }

  #linkTo(context: Uint8Array, more: number): number {
    this.#beginExtra(more);
    this.#extra.link(context, 0);
    return writeExtra(this.#writer, this.#extra);
  }

  /** What became of the message, and why it failed. The first failure counts. */
  fail(u32: Uint32Array, half: number, shape: Shape, errorType: string, message: string, error?: unknown): void {
    const flags = u32[half + ENTRY.flags]!;
    if (isFailed(flags)) return;
    u32[half + ENTRY.extra] = this.#failure(u32[half + ENTRY.extra]!, errorType, message, error);
    u32[half + ENTRY.flags] = (flags & ~(SHAPE_MASK << SHAPE_SHIFT)) | (shape << SHAPE_SHIFT);
    this.#metrics.add(traceErrorsTotal);
  }

  /** Reference of an extra that says why a batch failed. */
  failure(errorType: string, message: string, error?: unknown): number {
    return this.#failure(0, errorType, message, error);
  }

  #failure(more: number, errorType: string, message: string, error?: unknown): number {
    this.#beginExtra(more);
    this.#extra.attribute(ATTRIBUTES.errorType, errorType);
    this.#extra.attribute(ATTRIBUTES.errorMessage, message);
    this.#extra.failure(message);
    if (error !== undefined) this.#extra.exception(thrownError(error));
    return writeExtra(this.#writer, this.#extra);
  }

  /** The read is over: writes what was handled directly. */
  endRead(stage: MessagesStage): void {
    if (this.direct.count === 0) return;
    recordDirect(this.#metrics, this.direct, stage.answeredAt);
    this.write(this.direct, 0, this.direct.count, stage);
    this.direct.reset();
  }

  /** Writes entries `from` to `to` of a batch, in as many records as they need. */
  write(batch: EntryBatch, from: number, to: number, stage: MessagesStage): void {
    this.#written += to - from;
    for (let start = from; start < to; start += MAX_ENTRIES)
      writeRecord(this.#writer, batch, start, Math.min(to, start + MAX_ENTRIES), stage);
    this.#writer.announce();
  }

  /** `more`: the EXTRA that goes on; 0: none. */
  #beginExtra(more: number): void {
    this.#extra.reset();
    if (more !== 0) this.#extra.more(more);
  }

  #started(entry: MessageEntry, { bytes, words }: MessageContext, flags: number, threshold: number): void {
    const { u32 } = entry;
    words[0] = u32[0]!;
    words[1] = u32[1]!;
    words[2] = u32[2]!;
    words[3] = u32[3]!;
    words[4] = u32[4]!;
    words[5] = u32[5]!;
    bytes[FLAGS_AT] = ((flags & FLAG.head) !== 0 ? SAMPLED_FLAG : 0) | ((flags & FLAG.forced) !== 0 ? FORCED_FLAG : 0);
    u32[ENTRY.flags] = flags;
    u32[ENTRY.threshold] = threshold;
    u32[ENTRY.extra] = 0;
    u32[ENTRY.matched] = 0;
    this.#begun += 1;
    this.#metrics.add(tracesTotal);
  }
}

function writeRecord(writer: RingWriter, batch: EntryBatch, from: number, to: number, stage: MessagesStage): void {
  const count = to - from;
  const at = writer.reserve(RECORD.messages, MESSAGES_HEADER_WORDS + count * ENTRY_WORDS);
  const { u32, f64 } = writer;
  u32[at * 2 + 1] = count;
  f64[at + MESSAGES.dispatchedAt] = stage.dispatchedAt;
  f64[at + MESSAGES.answeredAt] = stage.answeredAt;
  u32[at * 2 + MESSAGES.connections] = stage.connections;
  u32[at * 2 + MESSAGES.queueDepth] = stage.queueDepth;
  u32[at * 2 + MESSAGES.shard] = stage.shard;
  u32[at * 2 + MESSAGES.shard + 1] = 0;
  let spans = 0;
  for (let index = from; index < to; index += 1) spans += spansOfEntry(batch.u32[batch.half(index, ENTRY.flags)]!);
  const start = batch.half(from, 0);
  copyWords(batch.u32, start, batch.half(to, 0) - start, u32, (at + MESSAGES_HEADER_WORDS) * 2);
  writer.complete(spans);
}
