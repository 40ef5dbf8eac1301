import type { SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity } from '../records/span-visitor.ts';
import { MAX_CONSTANT_BYTES, SPAN_WORDS, writeConstant } from './constant-words.ts';
import { FLAGS, SPAN } from './field-tags.ts';
import type { UnixNano } from './unix-nano.ts';

/** Where in a span's bytes the parts lie that differ from trace to trace: its first fields are of fixed width. */
export const HEAD = {
  traceId: 7,
  spanId: 25,
  startTime: 34,
  endTime: 43,
  flags: 51,
  /** Only where there is a parent. */
  parentSpanId: 59,
} as const;
const WITHOUT_PARENT_BYTES = 57;
const WITH_PARENT_BYTES = 67;
export const HEAD_BYTES = WITH_PARENT_BYTES + MAX_CONSTANT_BYTES;

const TRACE_ID_FIELD = SPAN.traceId | (16 << 8);
const SPAN_ID_FIELD = SPAN.spanId | (8 << 8);
const PARENT_FIELD = SPAN.parentSpanId | (8 << 8);
/** What is exported is sampled, by the head or afterwards, and it is known whether its parent is remote. */
const LOCAL_PARENT = FLAGS.sampled | FLAGS.hasIsRemote;
const REMOTE_PARENT = LOCAL_PARENT | FLAGS.isRemote;

/** Writes everything a span begins with, behind its own tag and length, for which `start` leaves five bytes. Where it ends. */
export function writeHead(
  view: DataView,
  start: number,
  { id }: SpanDefinition,
  { words, isParentRemote }: SpanIdentity,
  startedAt: number,
  endedAt: number,
  time: UnixNano,
): number {
  view.setUint16(start + HEAD.traceId - 2, TRACE_ID_FIELD, true);
  writeTraceId(view, start + HEAD.traceId, words, 0);
  view.setUint16(start + HEAD.spanId - 2, SPAN_ID_FIELD, true);
  writeSpanId(view, start + HEAD.spanId, words, 4);
  view.setUint8(start + HEAD.startTime - 1, SPAN.startTime);
  time.write(view, start + HEAD.startTime, startedAt);
  view.setUint8(start + HEAD.endTime - 1, SPAN.endTime);
  time.writeEnd(view, start + HEAD.endTime, startedAt, endedAt);
  view.setUint16(start + HEAD.flags, SPAN.flags, true);
  view.setInt32(start + HEAD.flags + 2, isParentRemote ? REMOTE_PARENT : LOCAL_PARENT, true);
  if (!hasParent(words)) return writeConstant(view, start + WITHOUT_PARENT_BYTES, SPAN_WORDS, id);
  view.setUint16(start + HEAD.parentSpanId - 2, PARENT_FIELD, true);
  writeSpanId(view, start + HEAD.parentSpanId, words, 6);
  return writeConstant(view, start + WITH_PARENT_BYTES, SPAN_WORDS, id);
}

/** `words` as in SpanIdentity. */
export function hasParent(words: Uint32Array): boolean {
  return (words[6]! | words[7]!) !== 0;
}

/** The four words from `from` on, which are in the order of memory, as 16 bytes. */
export function writeTraceId(view: DataView, at: number, words: Uint32Array, from: number): void {
  writeSpanId(view, at, words, from);
  writeSpanId(view, at + 8, words, from + 2);
}

/** Two words as 8 bytes. */
export function writeSpanId(view: DataView, at: number, words: Uint32Array, from: number): void {
  view.setUint32(at, words[from]!, true);
  view.setUint32(at + 4, words[from + 1]!, true);
}
