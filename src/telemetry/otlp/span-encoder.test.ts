import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, SPANS } from '../catalogue.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { type ShownSpan, showSpan } from '../testing/shown-span.ts';
import { OtlpSpanEncoder } from './span-encoder.ts';
import { arbitrarySpan } from './testing/arbitrary-span.ts';
import { expectedRequest } from './testing/expected-fields.ts';

const SCHEMA = 'https://opentelemetry.io/schemas/1.40.0';

function newEncoder(maxBytes = 2 ** 26): OtlpSpanEncoder {
  const resourceOf = (role: string) => ({ 'service.name': `robustmq-${role}` });
  return new OtlpSpanEncoder({
    resources: { broker: resourceOf('broker'), placement: resourceOf('placement'), journal: resourceOf('journal') },
    serviceVersion: '1.2.3',
    schemaUrl: SCHEMA,
    maxBytes,
  });
}

function expected(spans: readonly ShownSpan[]): unknown {
  const resourceOf = (role: string) => [{ key: 'service.name', value: { stringValue: `robustmq-${role}` } }];
  return expectedRequest(spans, resourceOf, '1.2.3', SCHEMA);
}

const SPAN: ShownSpan = {
  definition: SPANS.mqttPublish,
  traceId: '000102030405060708090a0b0c0d0e0f',
  spanId: 'f0f1f2f3f4f5f6f7',
  parentSpanId: undefined,
  isParentRemote: false,
  isEntry: true,
  startedAt: 1_790_000_000_000.25,
  endedAt: 1_790_000_000_001.5,
  attributes: [],
  links: [],
  droppedAttributes: 0,
  droppedLinks: 0,
  traceState: '',
  failure: undefined,
  exception: undefined,
};

describe('OtlpSpanEncoder', () => {
  it('encodes whatever spans it is shown', () => {
    const encoder = newEncoder();
    fc.assert(
      fc.property(fc.array(arbitrarySpan, { maxLength: 5 }), (spans) => {
        for (const span of spans) showSpan(encoder, span);
        const batch = encoder.takeBatch();
        assert.deepEqual(decodeFields(batch.bytes), expected(spans));
        assert.equal(batch.spans, spans.length);
        assert.equal(batch.traces, spans.filter(({ isEntry }) => isEntry).length);
        assert.equal(batch.refused, 0);
      }),
      { numRuns: 300 },
    );
  });

  it('writes every attribute, span and edge of a type', () => {
    const texts = ['', 'a', 'ü'.repeat(60), 'x'.repeat(127), 'x'.repeat(128), '→'.repeat(16_384), '🚀'.repeat(16_384)];
    const ints = [
      0,
      -0,
      1,
      127,
      128,
      16_383,
      16_384,
      2 ** 28,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      2 ** 62,
      -1,
      -(2 ** 31),
      -(2 ** 63),
    ];
    const doubles = [
      0,
      1,
      0.1,
      -1e300,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.MIN_VALUE,
    ];
    const encoder = newEncoder();
    const spans = Object.values(SPANS).map((definition): ShownSpan => {
      const attributes = [
        ...texts.map((text) => [ATTRIBUTES.mqttTopic, text] as const),
        ...ints.map((int) => [ATTRIBUTES.storageOffset, int] as const),
        ...doubles.map((double) => [ATTRIBUTES.waitedMs, double] as const),
        ...[0, 1].map((flag) => [ATTRIBUTES.mqttRetain, flag] as const),
        [ATTRIBUTES.mqttTopics, texts] as const,
        [ATTRIBUTES.authChain, ['one']] as const,
        [ATTRIBUTES.mqttTopics, ['', '']] as const,
      ];
      return { ...SPAN, definition, attributes };
    });
    for (const span of spans) showSpan(encoder, span);
    assert.deepEqual(decodeFields(encoder.takeBatch().bytes), expected(spans));
  });

  it('writes as a double what no int64 can hold', () => {
    const encoder = newEncoder();
    const values = [1.5, Number.NaN, 2 ** 63, -(2 ** 64)];
    const span: ShownSpan = { ...SPAN, attributes: values.map((value) => [ATTRIBUTES.storageOffset, value]) };
    showSpan(encoder, span);
    assert.deepEqual(decodeFields(encoder.takeBatch().bytes), expected([span]));
  });

  it('is empty after a batch, and keeps its memory', () => {
    const encoder = newEncoder();
    showSpan(encoder, SPAN);
    assert.deepEqual([encoder.spans, encoder.bytes > 0], [1, true]);
    encoder.takeBatch();
    const empty = encoder.takeBatch();
    assert.deepEqual([encoder.spans, encoder.bytes], [0, 0]);
    assert.deepEqual([empty.bytes.length, empty.spans, empty.traces, empty.refused], [0, 0, 0, 0]);
  });

  it('puts a batch into the memory it is given', () => {
    const memory = Buffer.alloc(10_000);
    const encoder = newEncoder();
    showSpan(encoder, SPAN);
    const { bytes } = encoder.takeBatch((length) => memory.subarray(0, length));
    assert.equal(bytes.buffer, memory.buffer);
    assert.deepEqual(decodeFields(bytes), expected([SPAN]));
  });

  it('refuses a span beyond its bound as a whole, and counts it', () => {
    const large = (bytes: number): ShownSpan => ({ ...SPAN, attributes: [[ATTRIBUTES.mqttTopic, 'x'.repeat(bytes)]] });
    const encoder = newEncoder(100_000);
    const shown = [large(60_000), large(60_000), SPAN, large(200_000), large(30_000)];
    for (const span of shown) showSpan(encoder, span);
    const batch = encoder.takeBatch();
    assert.deepEqual([batch.spans, batch.refused], [3, 2]);
    assert.deepEqual(decodeFields(batch.bytes), expected([shown[0]!, shown[2]!, shown[4]!]));
    showSpan(encoder, large(90_000));
    assert.equal(encoder.takeBatch().refused, 0);
  });

  it('refuses a span wherever in it the room ends', () => {
    const span = fc.sample(arbitrarySpan, { numRuns: 1, seed: 7 })[0]!;
    const encoder = newEncoder(65_536);
    const filler = (length: number): ShownSpan => ({
      ...SPAN,
      attributes: [[ATTRIBUTES.mqttTopic, 'x'.repeat(length)]],
    });
    for (let length = 60_000; length < 65_600; length += 7) {
      const shown = [filler(length), { ...span, definition: SPANS.mqttPublish }, SPAN];
      for (const each of shown) showSpan(encoder, each);
      const batch = encoder.takeBatch();
      assert.equal(batch.spans + batch.refused, 3);
      const { resourceSpans } = decodeFields(batch.bytes) as {
        resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }];
      };
      assert.equal(resourceSpans[0].scopeSpans[0].spans.length, batch.spans);
    }
  });
});
