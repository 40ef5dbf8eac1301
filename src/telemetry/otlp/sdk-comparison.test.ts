import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import type { SpanKind as KindName } from '../catalogue.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { type ShownSpan, type ShownValue, showSpan } from '../testing/shown-span.ts';
import type { ResourceAttributes } from './export-request.ts';
import { OtlpSpanEncoder } from './span-encoder.ts';
import { arbitrarySpan } from './testing/arbitrary-span.ts';
import { endUnixNano, unixNano } from './testing/expected-fields.ts';

const VERSION = '0.1.0';
const RESOURCE: ResourceAttributes = {
  'service.name': 'robustmq',
  'process.pid': 4242,
  'host.load': 0.5,
  'host.name': 'rechner-ü',
  'process.command_args': ['node', 'src/main.ts'],
  'container.is_there': false,
};
const KINDS: Record<KindName, SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** What the SDK writes like us: it knows no type of an attribute but by its value. */
function isSaidAlike({ attributes }: ShownSpan): boolean {
  return attributes.every(([{ type }, value]) => type !== 'double' || !Number.isInteger(value));
}

describe('the SDK’s serializer and ours', () => {
  it('say the same of the same span', () => {
    const encoder = new OtlpSpanEncoder({
      resources: { broker: RESOURCE, placement: RESOURCE, journal: RESOURCE },
      serviceVersion: VERSION,
      schemaUrl: '',
      maxBytes: 2 ** 26,
    });
    fc.assert(
      fc.property(arbitrarySpan.filter(isSaidAlike), (span) => {
        showSpan(encoder, span);
        assert.deepEqual(
          withStatus(decodeFields(encoder.takeBatch().bytes)),
          withStatus(decodeFields(ProtobufTraceSerializer.serializeRequest([readable(span)])!)),
        );
      }),
      { numRuns: 200 },
    );
  });
});

/** The SDK writes a status that is not set; ours is not there, which means the same. */
function withStatus(request: unknown): unknown {
  const { resourceSpans } = request as { resourceSpans: { scopeSpans: { spans: { status: unknown }[] }[] }[] };
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  for (const span of spans) span.status ??= { code: 'unset', message: '' };
  return request;
}

function readable(span: ShownSpan): ReadableSpan {
  const { traceId, spanId, traceState, parentSpanId } = span;
  const ofTrace = { traceId, traceFlags: 1, traceState: { serialize: () => traceState } as never };
  const endTime = hrTime(span.endedAt);
  return {
    name: span.definition.name,
    kind: KINDS[span.definition.kind],
    spanContext: () => ({ ...ofTrace, spanId }),
    ...parentOf(span, parentSpanId),
    startTime: hrTime(span.startedAt),
    endTime: hrTimeOf(endUnixNano(span)),
    duration: [0, 0],
    ended: true,
    status:
      span.failure === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: span.failure },
    attributes: attributesOf(span),
    links: span.links.map((link) => ({
      context: { traceId: link.traceId, spanId: link.spanId, traceFlags: link.isSampled ? 1 : 0, isRemote: true },
    })),
    events:
      span.exception === undefined ? [] : [{ name: 'exception', time: endTime, attributes: thrown(span.exception) }],
    resource: resourceFromAttributes(RESOURCE as Attributes),
    instrumentationScope: { name: 'robustmq', version: VERSION },
    droppedAttributesCount: span.droppedAttributes,
    droppedEventsCount: 0,
    droppedLinksCount: span.droppedLinks,
  };
}

function parentOf({ traceId, isParentRemote }: ShownSpan, spanId: string | undefined): Partial<ReadableSpan> {
  if (spanId === undefined) return {};
  return { parentSpanContext: { traceId, spanId, traceFlags: 1, isRemote: isParentRemote } };
}

function attributesOf({ attributes }: ShownSpan): Attributes {
  return Object.fromEntries(attributes.map(([{ key, type }, value]) => [key, sdkValue(type, value)]));
}

function sdkValue(type: string, value: ShownValue): string | number | boolean | string[] {
  if (type === 'boolean') return value === 1;
  return typeof value === 'object' ? [...value] : value;
}

function thrown({ type, message, stacktrace }: NonNullable<ShownSpan['exception']>): Attributes {
  return {
    'exception.type': type,
    'exception.message': message,
    ...(stacktrace === '' ? {} : { 'exception.stacktrace': stacktrace }),
  };
}

function hrTime(milliseconds: number): [number, number] {
  return hrTimeOf(unixNano(milliseconds));
}

function hrTimeOf(unixNanos: string): [number, number] {
  const nanos = BigInt(unixNanos);
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}
