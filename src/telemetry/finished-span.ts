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
