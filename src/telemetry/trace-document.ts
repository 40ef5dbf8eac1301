import type { Role, SpanKind } from './catalogue.ts';
import { exceptionAttributes, type FinishedSpan, type SpanAttribute, type SpanFailure } from './finished-span.ts';
import type { AttributeValue } from './recorder.ts';

/** A trace as JSON: what the admin API gives and the command line prints. Times are Unix milliseconds with a fraction. */
export interface TraceDocument {
  readonly traceId: string;
  readonly startedAt: number;
  readonly durationMs: number;
  /** Name of the span that all others are below: the earliest of those without a parent here. */
  readonly rootName: string;
  /** True when any span failed. */
  readonly error: boolean;
  /** By start. */
  readonly spans: readonly SpanDocument[];
}

export interface SpanDocument {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  readonly service: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly status: SpanStatusDocument;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly events: readonly SpanEventDocument[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface SpanStatusDocument {
  readonly code: 'unset' | 'error';
  readonly message?: string;
}

export interface SpanEventDocument {
  readonly name: string;
  readonly at: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Name of the service that plays a role. */
export type ServiceNamer = (role: Role) => string;

/** Of the spans of one trace, of which there is at least one. */
export function toTraceDocument(finished: readonly FinishedSpan[], serviceName: ServiceNamer): TraceDocument {
  const spans = finished.map((span) => toSpanDocument(span, serviceName)).sort((a, b) => a.startedAt - b.startedAt);
  const startedAt = spans[0]?.startedAt ?? 0;
  const endedAt = spans.reduce((latest, span) => Math.max(latest, span.startedAt + span.durationMs), startedAt);
  return {
    traceId: finished[0]?.traceId ?? '',
    startedAt,
    durationMs: roundedMs(endedAt - startedAt),
    rootName: rootOf(spans)?.name ?? '',
    error: spans.some((span) => span.status.code === 'error'),
    spans,
  };
}

function toSpanDocument(span: FinishedSpan, serviceName: ServiceNamer): SpanDocument {
  const { definition, failure } = span;
  return {
    spanId: span.spanId,
    parentSpanId: span.parent.type === 'none' ? null : span.parent.spanId,
    name: definition.name,
    kind: definition.kind,
    service: serviceName(definition.role),
    startedAt: span.startedAt,
    durationMs: roundedMs(span.endedAt - span.startedAt),
    status: failure === null ? { code: 'unset' } : { code: 'error', message: failure.message },
    attributes: attributesByKey(span.attributes),
    events: exceptionEvents(failure, span.endedAt),
    links: span.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
  };
}

function rootOf(spans: readonly SpanDocument[]): SpanDocument | undefined {
  const ids = new Set(spans.map((span) => span.spanId));
  return spans.find((span) => span.parentSpanId === null || !ids.has(span.parentSpanId));
}

function exceptionEvents(failure: SpanFailure | null, at: number): SpanEventDocument[] {
  if (failure === null || failure.thrown === null) return [];
  return [{ name: 'exception', at, attributes: attributesByKey(exceptionAttributes(failure.thrown)) }];
}

function attributesByKey(attributes: readonly SpanAttribute[]): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map(({ definition, value }) => [definition.key, value]));
}

/** To the microsecond: finer is noise of the floating-point Unix time. */
function roundedMs(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
