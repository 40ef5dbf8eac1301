import type { SpanKind } from '../catalogue.ts';
import type { AttributeValue } from '../recorder.ts';
import type { SpanDocument, SpanEventDocument } from '../trace-document.ts';
import type { BatchTransport, SendResult } from './batch-transport.ts';
import { type JsonAnyValue, type JsonKeyValue, type JsonSpan, readableOtlpJson } from './otlp-json.ts';
import type { SpanBatch } from './span-batch.ts';

/** By number of `SpanKind` in trace.proto. */
const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS_ERROR = 2;

/** Writes each span as a line of JSON, for a look without a collector. */
export class ConsoleExporter implements BatchTransport {
  readonly destination = 'console';
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  async send({ bytes }: SpanBatch): Promise<SendResult> {
    const request = readableOtlpJson(bytes);
    if (request.type === 'unreadable') return { type: 'rejected', message: request.message };
    for (const { resource, scopeSpans } of request.json.resourceSpans ?? []) {
      const service = String(attributesOf(resource?.attributes)['service.name'] ?? '');
      for (const { spans } of scopeSpans ?? [])
        for (const span of spans ?? []) this.#write(`${JSON.stringify(spanLine(span, service))}\n`);
    }
    return { type: 'taken', rejectedSpans: 0, message: '' };
  }

  async close(): Promise<void> {}
}

function spanLine(span: JsonSpan, service: string): SpanDocument & { readonly traceId: string } {
  return {
    traceId: span.traceId ?? '',
    spanId: span.spanId ?? '',
    parentSpanId: span.parentSpanId || null,
    name: span.name ?? '',
    kind: KINDS[span.kind ?? 0] ?? 'internal',
    service,
    startedAt: milliseconds(span.startTimeUnixNano),
    durationMs: Number(BigInt(span.endTimeUnixNano ?? 0) - BigInt(span.startTimeUnixNano ?? 0)) / 1e6,
    status:
      span.status?.code === STATUS_ERROR ? { code: 'error', message: span.status.message ?? '' } : { code: 'unset' },
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map(
      ({ name, timeUnixNano, attributes }): SpanEventDocument => ({
        name: name ?? '',
        at: milliseconds(timeUnixNano),
        attributes: attributesOf(attributes),
      }),
    ),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId: traceId ?? '', spanId: spanId ?? '' })),
  };
}

function milliseconds(unixNano: string | undefined): number {
  return Number(unixNano ?? 0) / 1e6;
}

function attributesOf(attributes: readonly JsonKeyValue[] = []): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key ?? '', attributeValue(value)]));
}

function attributeValue(value: JsonAnyValue = {}): AttributeValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map((item) => item.stringValue ?? '');
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? '';
}
