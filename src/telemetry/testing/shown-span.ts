import type { AttributeDefinition, SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';

export type ShownValue = string | number | readonly string[];

/** A span as it is shown to visitors, for tests to write down. Ids in hex. */
export interface ShownSpan {
  readonly definition: SpanDefinition;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined: none. */
  readonly parentSpanId: string | undefined;
  readonly isParentRemote: boolean;
  readonly isEntry: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Booleans as 0 or 1. */
  readonly attributes: readonly (readonly [AttributeDefinition, ShownValue])[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean }[];
  readonly droppedAttributes: number;
  readonly droppedLinks: number;
  /** Empty: none. */
  readonly traceState: string;
  readonly failure: string | undefined;
  readonly exception: { readonly type: string; readonly message: string; readonly stacktrace: string } | undefined;
}

export function showSpan(visitor: SpanVisitor, span: ShownSpan): void {
  visitor.begin(span.definition, identityOf(span), span.startedAt, span.endedAt);
  for (const [attribute, value] of span.attributes) showAttribute(visitor, attribute, value);
  for (const { traceId, spanId, isSampled } of span.links) visitor.link(wordsOf(traceId + spanId), isSampled);
  if (span.droppedAttributes > 0 || span.droppedLinks > 0) visitor.dropped(span.droppedAttributes, span.droppedLinks);
  if (span.traceState !== '') visitor.traceState(sliceOf(span.traceState));
  if (span.failure !== undefined) visitor.fail(sliceOf(span.failure));
  if (span.exception !== undefined) {
    const { type, message, stacktrace } = span.exception;
    visitor.exception(sliceOf(type), sliceOf(message), sliceOf(stacktrace));
  }
  visitor.end();
}

function showAttribute(visitor: SpanVisitor, attribute: AttributeDefinition, value: ShownValue): void {
  if (typeof value === 'string') visitor.text(attribute, sliceOf(value));
  else if (typeof value === 'number') visitor.number(attribute, value);
  else for (const item of value) visitor.textItem(attribute, sliceOf(item));
}

/** The text in the midst of others, as texts lie in records. */
function sliceOf(text: string): TextSlice {
  const bytes = Buffer.from(text);
  return { bytes: Buffer.concat([Buffer.from('<<'), bytes, Buffer.from('>>')]), start: 2, end: 2 + bytes.length };
}

function identityOf({ traceId, spanId, parentSpanId, isParentRemote, isEntry }: ShownSpan): SpanIdentity {
  return { words: wordsOf(traceId + spanId + (parentSpanId ?? '0'.repeat(16))), isParentRemote, isEntry };
}

/** Bytes in hex as words in the order of memory. */
export function wordsOf(hex: string): Uint32Array {
  return new Uint32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);
}
