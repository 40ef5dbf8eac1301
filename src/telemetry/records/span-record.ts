import type { SpanDefinition } from '../catalogue.ts';
import { copyWords } from '../ring/copy-words.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../trace-context.ts';
import type { ExtraEntries } from './extra-entries.ts';
import { RECORD } from './record-kinds.ts';

/*
 * SPAN := u1 definition (16 bits) | flags << 16; u2-u5 trace id; u6-u7 span id; u8-u9 parent span id; f5 begun at; f6 ended at;
 *         u14 entries; u15 threshold by which the head chose the trace, or NO_THRESHOLD; then entries (extra-entries.ts)
 */
export const SPAN_HEADER_WORDS = 8;
export const SPAN = { trace: 2, span: 6, parent: 8, begunAt: 5, endedAt: 6, entries: 14, threshold: 15 } as const;
export const SPAN_FLAG = { head: 1, forced: 1 << 1, remoteParent: 1 << 2, entry: 1 << 3, failed: 1 << 4 } as const;

/** Writes spans of which there are few, with whatever attributes they have. */
export function writeSpan(
  writer: RingWriter,
  definition: SpanDefinition,
  flags: number,
  contexts: Uint8Array,
  contextAt: number,
  parentSpanId: Uint8Array,
  parentAt: number,
  begunAt: number,
  endedAt: number,
  threshold: number,
  entries: ExtraEntries,
): void {
  const at = writer.reserve(RECORD.span, SPAN_HEADER_WORDS + entries.words);
  const half = at * 2;
  const { u32, u8, f64 } = writer;
  u32[half + 1] = definition.id | (flags << 16);
  const idAt = (half + SPAN.trace) * 4;
  for (let byte = 0; byte < TRACE_ID_BYTES + SPAN_ID_BYTES; byte += 1) u8[idAt + byte] = contexts[contextAt + byte]!;
  const parentTo = (half + SPAN.parent) * 4;
  for (let byte = 0; byte < SPAN_ID_BYTES; byte += 1) u8[parentTo + byte] = parentSpanId[parentAt + byte]!;
  f64[at + SPAN.begunAt] = begunAt;
  f64[at + SPAN.endedAt] = Math.max(begunAt, endedAt);
  u32[half + SPAN.entries] = entries.count;
  u32[half + SPAN.threshold] = threshold;
  copyWords(entries.u32, 0, entries.words * 2, u32, half + SPAN_HEADER_WORDS * 2);
  writer.complete(1);
  writer.announce();
}

/** Writes entries as a record of their own; its reference. */
export function writeExtra(writer: RingWriter, entries: ExtraEntries): number {
  const at = writer.reserve(RECORD.extra, 1 + entries.words);
  const position = writer.position;
  writer.u32[at * 2 + 1] = entries.count;
  copyWords(entries.u32, 0, entries.words * 2, writer.u32, (at + 1) * 2);
  writer.complete(0);
  return position | 0;
}
