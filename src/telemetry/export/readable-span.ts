import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Role, SpanKind as SpanKindName } from '../catalogue.ts';
import { exceptionAttributes, type FinishedSpan, type SpanAttribute, type ThrownError } from '../finished-span.ts';
import type { AttributeValue } from '../recorder.ts';
import type { Resources } from '../resources.ts';

/** The SDK's own name for what its exporters take; the SDK itself is no dependency of this program. */
export type ReadableSpan = Parameters<OTLPTraceExporter['export']>[0][number];
type Scope = ReadableSpan['instrumentationScope'];

const KINDS: Record<SpanKindName, SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Finished spans in the shape OpenTelemetry's exporters take. */
export class ReadableSpans {
  readonly #resources: Resources;
  readonly #scope: Scope;

  constructor(resources: Resources, serviceVersion: string) {
    this.#resources = resources;
    this.#scope = { name: 'robustmq', version: serviceVersion };
  }

  of(span: FinishedSpan): ReadableSpan {
    const role: Role = span.definition.role;
    const endTime = toHrTime(span.endedAt);
    const context = { traceId: span.traceId, spanId: span.spanId, traceFlags: TraceFlags.SAMPLED };
    return {
      name: span.definition.name,
      kind: KINDS[span.definition.kind],
      spanContext: () => context,
      ...parentOf(span),
      startTime: toHrTime(span.startedAt),
      endTime,
      duration: toHrTime(span.endedAt - span.startedAt),
      ended: true,
      status:
        span.failure === null
          ? { code: SpanStatusCode.UNSET }
          : { code: SpanStatusCode.ERROR, message: span.failure.message },
      attributes: attributesOf(span.attributes),
      links: span.links.map(({ traceId, spanId, sampled }) => ({
        context: { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true },
      })),
      events: span.failure?.thrown ? [exceptionEvent(span.failure.thrown, endTime)] : [],
      resource: this.#resources[role],
      instrumentationScope: this.#scope,
      droppedAttributesCount: span.droppedAttributes,
      droppedEventsCount: 0,
      droppedLinksCount: span.droppedLinks,
    };
  }
}

function parentOf({ parent, traceId }: FinishedSpan): Pick<ReadableSpan, 'parentSpanContext'> {
  if (parent.type === 'none') return {};
  const isRemote = parent.type === 'remote';
  return { parentSpanContext: { traceId, spanId: parent.spanId, traceFlags: TraceFlags.SAMPLED, isRemote } };
}

function attributesOf(attributes: readonly SpanAttribute[]): Attributes {
  const result: Attributes = {};
  for (const { definition, value } of attributes) result[definition.key] = mutable(value);
  return result;
}

function mutable(value: AttributeValue): string | number | boolean | string[] {
  return typeof value === 'object' ? [...value] : value;
}

/** The span's end is when the exception is known: it has no time of its own. */
function exceptionEvent(thrown: ThrownError, time: HrTime): ReadableSpan['events'][number] {
  return { name: 'exception', time, attributes: attributesOf(exceptionAttributes(thrown)) };
}

/** Milliseconds as [seconds, nanoseconds]. */
export function toHrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
  return nanoseconds === 1e9 ? [seconds + 1, 0] : [seconds, nanoseconds];
}
