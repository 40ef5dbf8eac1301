import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { SpanBatch } from '../export/span-batch.ts';

const { root } = protobuf.parse(readFileSync(new URL('./otlp-trace.proto', import.meta.url), 'utf8'));
const requestType = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');

const TRACE_ID = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex');
const STARTED_NS = '1700000000000000000';

/** A request as the encoder would make it: the first span is the trace's entry. Its name tells batches from each other. */
export function spanBatch(name: string, spans = 1, paddingBytes = 0): SpanBatch {
  return encodedBatch(
    Array.from({ length: spans }, (_, index) => ({
      traceId: TRACE_ID,
      spanId: Buffer.from([1, 2, 3, 4, 5, 6, index >> 8, (index & 0xff) + 1]),
      name,
      kind: 2,
      startTimeUnixNano: STARTED_NS,
      endTimeUnixNano: STARTED_NS,
      attributes: index === 0 ? [{ key: 'padding', value: { stringValue: '.'.repeat(paddingBytes) } }] : [],
    })),
  );
}

/** A request with such spans, in the shape of `otlp-trace.proto`. */
export function encodedBatch(spans: readonly object[]): SpanBatch {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'robustmq-broker' } }] };
  const scopeSpans = [{ scope: { name: 'robustmq', version: '0.1.0' }, spans }];
  const bytes = requestType.encode(requestType.fromObject({ resourceSpans: [{ resource, scopeSpans }] })).finish();
  return { bytes, spans: spans.length, traces: 1 };
}
