import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, SPANS } from '../catalogue.ts';
import type { SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { type ShownSpan, type ShownValue, wordsOf } from '../testing/shown-span.ts';
import { OtlpSpanEncoder } from './span-encoder.ts';
import { TemplateCapture } from './template-capture.ts';
import { TemplateReplay } from './template-replay.ts';
import { arbitrarySpan, integer, spanId, time, traceId } from './testing/arbitrary-span.ts';
import { expectedRequest } from './testing/expected-fields.ts';
import { MAX_CALLS, type UnitTemplate } from './unit-template.ts';
import { UnixNano } from './unix-nano.ts';

const MAX_SPANS = 6;

/** Texts are the same object wherever they are the same, as those are that records refer to. */
const slices = new Map<string, TextSlice>();
function sliceOf(text: string): TextSlice {
  const known = slices.get(text);
  if (known !== undefined) return known;
  const bytes = Buffer.from(text);
  const slice = { bytes, start: 0, end: bytes.length };
  slices.set(text, slice);
  return slice;
}

function show(visitor: SpanVisitor, unit: readonly ShownSpan[]): void {
  for (const span of unit) {
    const words = wordsOf(span.traceId + span.spanId + (span.parentSpanId ?? '0'.repeat(16)));
    const { isParentRemote, isEntry } = span;
    visitor.begin(span.definition, { words, isParentRemote, isEntry }, span.startedAt, span.endedAt);
    for (const [attribute, value] of span.attributes) {
      if (typeof value === 'string') visitor.text(attribute, sliceOf(value));
      else visitor.number(attribute, value as number);
    }
    visitor.end();
  }
}

function newEncoder(maxBytes = 2 ** 26): OtlpSpanEncoder {
  const resources = { broker: {}, placement: {}, journal: {} };
  return new OtlpSpanEncoder({ resources, serviceVersion: '', schemaUrl: '', maxBytes });
}

/** Shows the unit, and makes a template of it. */
function captured(encoder: OtlpSpanEncoder, unit: readonly ShownSpan[], varies: Uint8Array): UnitTemplate | undefined {
  const capture = new TemplateCapture(encoder);
  show(capture.start(encoder, varies), unit);
  return capture.finish();
}

function expected(spans: readonly ShownSpan[]): unknown {
  return expectedRequest(spans, () => [], '', '');
}

const withoutMore = {
  ...{ links: [], droppedAttributes: 0, droppedLinks: 0, traceState: '', failure: undefined, exception: undefined },
};
const unit: fc.Arbitrary<readonly ShownSpan[]> = fc
  .array(arbitrarySpan, { minLength: 1, maxLength: MAX_SPANS })
  .map((spans) =>
    spans.map((span) => ({
      ...span,
      ...withoutMore,
      attributes: span.attributes.filter(([, value]) => typeof value !== 'object'),
    })),
  );

const isNumber = (value: ShownValue): value is number => typeof value === 'number';
/** The same spans with ids, times and numbers of their own. */
function another(spans: readonly ShownSpan[]): fc.Arbitrary<readonly ShownSpan[]> {
  const number = ({ type }: AttributeDefinition): fc.Arbitrary<number> =>
    type === 'int' ? integer : type === 'double' ? fc.double() : fc.nat(1);
  const attributesOf = ({ attributes }: ShownSpan) =>
    fc.tuple(
      ...attributes.map(([attribute, value]) =>
        fc.tuple(fc.constant(attribute), isNumber(value) ? number(attribute) : fc.constant(value)),
      ),
    );
  return fc.tuple(
    ...spans.map((span) =>
      fc
        .tuple(traceId, spanId, spanId, time, time, attributesOf(span))
        .map(([trace, id, parent, startedAt, endedAt, attributes]) => ({
          ...span,
          traceId: trace,
          spanId: id,
          parentSpanId: span.parentSpanId === undefined ? undefined : parent,
          startedAt,
          endedAt,
          attributes,
        })),
    ),
  );
}

const units = unit.chain((first) => fc.tuple(fc.constant(first), fc.array(another(first), { maxLength: 3 })));
const [SAMPLE] = fc.sample(arbitrarySpan, { numRuns: 1, seed: 1 });
const TOPIC = [ATTRIBUTES.mqttTopic, 'a/b'] as const;
const SPAN: ShownSpan = {
  ...SAMPLE!,
  ...withoutMore,
  definition: SPANS.mqttPublish,
  attributes: [TOPIC, [ATTRIBUTES.mqttPacketId, 7]],
};

describe('UnitTemplate', () => {
  it('repeats a unit with other ids, times and numbers, as if each had been shown', () => {
    fc.assert(
      fc.property(units, fc.boolean(), ([first, others], isSplit) => {
        const encoder = newEncoder();
        const template = captured(encoder, first, new Uint8Array(MAX_CALLS).fill(1))!;
        const shown = isSplit ? [] : [...first];
        if (isSplit) assert.deepEqual(decodeFields(encoder.takeBatch().bytes), expected(first));
        const replay = new TemplateReplay();
        const nanos = new UnixNano();
        for (const other of others) {
          show(replay.start(template), other);
          assert.ok(replay.isRepeated);
          template.patch(nanos);
          template.append();
          shown.push(...other);
        }
        const batch = encoder.takeBatch();
        assert.deepEqual(decodeFields(batch.bytes), expected(shown));
        const traces = shown.filter(({ isEntry }) => isEntry).length;
        assert.deepEqual([batch.spans, batch.traces, batch.refused], [shown.length, traces, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('learns which numbers vary', () => {
    const encoder = newEncoder();
    const varies = new Uint8Array(MAX_CALLS);
    const replay = new TemplateReplay();
    const other = { ...SPAN, attributes: [TOPIC, [ATTRIBUTES.mqttPacketId, 8] as const] };
    show(replay.start(captured(encoder, [SPAN], varies)!), [other]);
    assert.equal(replay.isRepeated, false);
    replay.learn(varies);
    show(replay.start(captured(encoder, [SPAN], varies)!), [other]);
    assert.equal(replay.isRepeated, true);
  });

  it('knows another text, span, number of calls or kind of identity for what it is', () => {
    const replay = new TemplateReplay();
    const template = captured(newEncoder(), [SPAN], new Uint8Array(MAX_CALLS).fill(1))!;
    const isRepeated = (...spans: readonly ShownSpan[]): boolean => {
      show(replay.start(template), spans);
      return replay.isRepeated;
    };
    const [topic, packetId] = [SPAN.attributes[0]!, SPAN.attributes[1]!];
    assert.equal(isRepeated(SPAN), true);
    assert.equal(isRepeated({ ...SPAN, attributes: [[ATTRIBUTES.mqttTopic, 'a/c'], packetId] }), false);
    assert.equal(isRepeated({ ...SPAN, attributes: [topic] }), false);
    assert.equal(isRepeated({ ...SPAN, attributes: [packetId, topic] }), false);
    assert.equal(isRepeated({ ...SPAN, definition: SPANS.clientPush }), false);
    assert.equal(isRepeated({ ...SPAN, isEntry: !SPAN.isEntry }), false);
    assert.equal(isRepeated({ ...SPAN, isParentRemote: !SPAN.isParentRemote }), false);
    assert.equal(isRepeated(SPAN, SPAN), false);
    // No int64: it would be written as a double.
    assert.equal(isRepeated({ ...SPAN, attributes: [topic, [ATTRIBUTES.mqttPacketId, 0.5]] }), false);
  });

  it('is not made of what has more than texts and numbers, or did not fit', () => {
    const encoder = newEncoder(65_536);
    const capture = new TemplateCapture(encoder);
    const varies = new Uint8Array(MAX_CALLS);
    const calls: ((visitor: SpanVisitor) => void)[] = [
      (visitor) => visitor.fail(sliceOf('no')),
      (visitor) => visitor.exception(sliceOf('Error'), sliceOf('no'), sliceOf('')),
      (visitor) => visitor.link(new Uint32Array(6), true),
      (visitor) => visitor.dropped(1, 0),
      (visitor) => visitor.traceState(sliceOf('a=1')),
      (visitor) => visitor.textItem(ATTRIBUTES.mqttTopics, sliceOf('a')),
    ];
    for (const call of calls) {
      const visitor = capture.start(encoder, varies);
      show(visitor, [SPAN]);
      call(visitor);
      assert.equal(capture.finish(), undefined);
    }
    const large = { ...SPAN, attributes: [[ATTRIBUTES.mqttTopic, 'x'.repeat(70_000)] as const] };
    assert.equal(captured(encoder, [large], varies), undefined);
  });
});
