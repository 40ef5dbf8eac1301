import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import fc from 'fast-check';
import { spanBatch } from '../testing/span-batches.ts';
import { readableOtlpJson } from './otlp-json.ts';

type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const REMOTE = { traceId: TRACE_ID, spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED, isRemote: true };
const SPAN: ReadableSpan = {
  name: 'mqtt/publish',
  kind: SpanKind.SERVER,
  spanContext: () => ({ traceId: TRACE_ID, spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED }),
  parentSpanContext: REMOTE,
  startTime: [1_700_000_000, 123_456_789],
  endTime: [1_700_000_001, 1],
  duration: [0, 0],
  ended: true,
  status: { code: SpanStatusCode.ERROR, message: 'no room – “full”' },
  attributes: {
    text: 'träger',
    empty: '',
    yes: true,
    no: false,
    int: 42,
    negative: -7,
    large: 2 ** 52,
    double: 0.25,
    list: ['a', 'b'],
  },
  links: [{ context: REMOTE, attributes: { reason: 'commit' } }],
  events: [{ name: 'exception', time: [1_700_000_001, 0], attributes: { 'exception.type': 'Error' } }],
  resource: resourceFromAttributes({ 'service.name': 'robustmq-broker' }),
  instrumentationScope: { name: 'robustmq', version: '0.1.0' },
  droppedAttributesCount: 3,
  droppedEventsCount: 0,
  droppedLinksCount: 1,
};

/** What both ways of writing OTLP/JSON may leave out: protobuf's defaults. And 64 bits may be numbers or strings. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, key === 'intValue' ? String(item) : essence(item)])
    .filter(([key, item]) => String(key).endsWith('Value') || !(item === 0 || item === '' || String(item) === ''));
  return Object.fromEntries(entries);
}

function jsonOf(bytes: Uint8Array): unknown {
  const request = readableOtlpJson(bytes);
  return request.type === 'readable' ? request.json : assert.fail(request.message);
}

describe('OTLP/JSON from protobuf', () => {
  it('says what OpenTelemetry’s own JSON says of the same spans', () => {
    const expected = JSON.parse(Buffer.from(JsonTraceSerializer.serializeRequest([SPAN, SPAN])!).toString());
    const decoded = jsonOf(ProtobufTraceSerializer.serializeRequest([SPAN, SPAN])!);
    assert.deepEqual(essence(decoded), essence(expected));
  });

  it('has ids in hex, integers of 64 bits as strings, enums as numbers', () => {
    const text = JSON.stringify(jsonOf(ProtobufTraceSerializer.serializeRequest([SPAN])!));
    for (const part of [
      `"traceId":"${TRACE_ID}"`,
      '"kind":2',
      '"startTimeUnixNano":"1700000000123456789"',
      '{"key":"negative","value":{"intValue":"-7"}}',
      '{"key":"empty","value":{"stringValue":""}}',
      '"code":2',
    ])
      assert.ok(text.includes(part), `${part} in ${text}`);
  });

  it('reads requests that follow each other as one, and leaves out what it does not know', () => {
    const { bytes } = spanBatch('a');
    const unknown = Buffer.from([0x78, 0x01, 0x7a, 0x01, 0xff, 0x7d, 0, 0, 0, 0, 0x79, 0, 0, 0, 0, 0, 0, 0, 0]);
    const json = jsonOf(Buffer.concat([bytes, unknown, bytes])) as { resourceSpans: unknown[] };
    assert.equal(json.resourceSpans.length, 2);
    assert.deepEqual(json.resourceSpans[0], json.resourceSpans[1]);
  });

  it('never throws, whatever the bytes are', () => {
    const { bytes } = spanBatch('a', 2);
    const cut = fc.nat(bytes.length).map((length) => bytes.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut), (anything) => {
        assert.ok(['readable', 'unreadable'].includes(readableOtlpJson(anything).type));
      }),
    );
  });
});
