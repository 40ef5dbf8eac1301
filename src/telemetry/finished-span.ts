import { ATTRIBUTES, type AttributeDefinition, type SpanDefinition } from './catalogue.ts';
import type { AttributeValue } from './recorder.ts';

export interface SpanAttribute {
  readonly definition: AttributeDefinition;
  value: AttributeValue;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

export interface ThrownError {
  readonly type: string;
  readonly message: string;
  readonly stacktrace: string | null;
}

export interface SpanFailure {
  readonly message: string;
  readonly thrown: ThrownError | null;
}

/** A span that has ended: what the recorder hands to the recent traces and to the exporter. Ids in lower-case hex. */
export interface FinishedSpan {
  readonly definition: SpanDefinition;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: SpanParent;
  /** True for the span by which its trace came into this process: what counts as one trace. */
  readonly isEntry: boolean;
  /** Unix milliseconds, as both times. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: readonly SpanAttribute[];
  readonly droppedAttributes: number;
  readonly links: readonly SpanLink[];
  readonly droppedLinks: number;
  readonly failure: SpanFailure | null;
}

export type SpanParent =
  | { readonly type: 'none' }
  /** `remote`: its context came with data, from a client, another service or an earlier run. */
  | { readonly type: 'local' | 'remote'; readonly spanId: string };

export type SpanSink = (span: FinishedSpan) => void;

/** Attributes of the `exception` event (OpenTelemetry semantic conventions for exceptions on spans). */
export function exceptionAttributes(thrown: ThrownError): SpanAttribute[] {
  const attributes: SpanAttribute[] = [
    { definition: ATTRIBUTES.exceptionType, value: thrown.type },
    { definition: ATTRIBUTES.exceptionMessage, value: thrown.message },
  ];
  if (thrown.stacktrace !== null)
    attributes.push({ definition: ATTRIBUTES.exceptionStacktrace, value: thrown.stacktrace });
  return attributes;
}

const FIXED_BYTES = 400;
const ATTRIBUTE_BYTES = 48;
const LINK_BYTES = 160;

/** What the span costs in memory, roughly: what bounds that are given in bytes are kept by. */
export function approximateBytes(span: FinishedSpan): number {
  let bytes = FIXED_BYTES + span.links.length * LINK_BYTES;
  for (const { value } of span.attributes) bytes += ATTRIBUTE_BYTES + valueBytes(value);
  if (span.failure?.thrown) bytes += span.failure.thrown.stacktrace?.length ?? 0;
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object') return 8;
  return value.reduce((bytes, item) => bytes + item.length + 16, 0);
}
