import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, SPANS } from '../catalogue.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { type ShownSpan, type ShownValue, showSpan, wordsOf } from '../testing/shown-span.ts';
import { OtlpSpanEncoder } from './span-encoder.ts';
import { arbitrarySpan, integer, spanId, time, traceId } from './testing/arbitrary-span.ts';
import { expectedRequest } from './testing/expected-fields.ts';
import type { TracePatch } from './trace-patch.ts';
import { TraceTemplate } from './trace-template.ts';

const VARYING = [
  ATTRIBUTES.mqttPacketId,
  ATTRIBUTES.storageOffset,
  ATTRIBUTES.performanceLatencyMs,
  ATTRIBUTES.mqttRetain,
];
const MAX_SPANS = 8;
/** A patch's ids: of the trace, of each span, of parents that are not shown. */
const MAX_IDS = 4 + 2 * 2 * MAX_SPANS;

function newEncoder(maxBytes = 2 ** 26): OtlpSpanEncoder {
  return new OtlpSpanEncoder({
    resources: { broker: {}, placement: {}, journal: {} },
    serviceVersion: '',
    schemaUrl: '',
    maxBytes,
  });
}

/** One trace: each span's parent is another of its spans, one from outside, or none. */
const arbitraryTrace: fc.Arbitrary<readonly ShownSpan[]> = fc
  .tuple(
    traceId,
    fc.uniqueArray(fc.tuple(arbitrarySpan, fc.option(fc.nat(2 * MAX_SPANS))), {
      minLength: 1,
      maxLength: MAX_SPANS,
      selector: ([span]) => span.spanId,
    }),
  )
  .map(([trace, spans]) =>
    spans.map(([span, parent]) => ({
      ...span,
      exception: undefined,
      traceId: trace,
      parentSpanId: parent === null ? span.parentSpanId : (spans[parent]?.[0].spanId ?? 'ffffffffffffffff'),
    })),
  );

interface Difference {
  readonly traceId: string;
  readonly spanIds: readonly string[];
  readonly times: readonly number[];
  readonly ints: readonly number[];
  readonly doubles: readonly number[];
}

const exactly = <Value>(values: fc.Arbitrary<Value>, length: number) =>
  fc.array(values, { minLength: length, maxLength: length });
const difference: fc.Arbitrary<Difference> = fc.record({
  traceId,
  spanIds: fc.uniqueArray(spanId, { minLength: 2 * MAX_SPANS, maxLength: 2 * MAX_SPANS }),
  times: exactly(time, 2 * MAX_SPANS),
  ints: exactly(integer, VARYING.length * MAX_SPANS),
  doubles: exactly(fc.double(), VARYING.length * MAX_SPANS),
});

/** The trace with what is different, and the patch that says so. */
function differing(trace: readonly ShownSpan[], other: Difference): { spans: ShownSpan[]; patch: TracePatch } {
  const renamed = new Map<string, string>();
  const rename = (id: string): string => {
    const known = renamed.get(id) ?? other.spanIds[renamed.size]!;
    renamed.set(id, known);
    return known;
  };
  const numbers: number[] = [];
  for (const span of trace) rename(span.spanId);
  const spans = trace.map((span, index) => ({
    ...span,
    traceId: other.traceId,
    spanId: rename(span.spanId),
    parentSpanId: span.parentSpanId === undefined ? undefined : rename(span.parentSpanId),
    startedAt: other.times[2 * index]!,
    endedAt: other.times[2 * index + 1]!,
    attributes: span.attributes.map(([attribute, value]): readonly [AttributeDefinition, ShownValue] => {
      if (!VARYING.includes(attribute as (typeof VARYING)[number])) return [attribute, value];
      numbers.push(numberFor(attribute, other, numbers.length));
      return [attribute, numbers.at(-1)!];
    }),
  }));
  const ids = wordsOf(other.traceId + [...renamed.values()].join('').padEnd((MAX_IDS - 4) * 8, '0'));
  return { spans, patch: { ids, times: Float64Array.from(other.times), numbers: Float64Array.from(numbers) } };
}

function numberFor({ type }: AttributeDefinition, { ints, doubles }: Difference, index: number): number {
  if (type === 'int') return ints[index]!;
  return type === 'double' ? doubles[index]! : Math.abs(ints[index]!) % 2;
}

function show(template: TraceTemplate, trace: readonly ShownSpan[]): boolean {
  template.start(VARYING);
  for (const span of trace) showSpan(template, span);
  return template.finish();
}

function expected(spans: readonly ShownSpan[]): unknown {
  return expectedRequest(spans, () => [], '', '');
}

const [SPAN] = fc.sample(arbitrarySpan, { numRuns: 1, seed: 1 }) as [ShownSpan];

describe('TraceTemplate', () => {
  it('repeats a trace with other ids, times and numbers, as if each had been shown', () => {
    const encoder = newEncoder();
    const template = new TraceTemplate(encoder);
    fc.assert(
      fc.property(arbitraryTrace, fc.array(difference, { maxLength: 3 }), fc.boolean(), (trace, others, isSplit) => {
        assert(show(template, trace));
        const shown = isSplit ? [] : [...trace];
        if (isSplit) assert.deepEqual(decodeFields(encoder.takeBatch().bytes), expected(trace));
        for (const other of others) {
          const { spans, patch } = differing(trace, other);
          template.append(patch);
          shown.push(...spans);
        }
        const batch = encoder.takeBatch();
        assert.deepEqual(decodeFields(batch.bytes), expected(shown));
        assert.deepEqual(
          [batch.spans, batch.traces, batch.refused],
          [shown.length, shown.filter(({ isEntry }) => isEntry).length, 0],
        );
      }),
      { numRuns: 200 },
    );
  });

  it('repeats nothing but one whole trace of bounded size with ids that differ and no exception', () => {
    const spanOf = (index: number): ShownSpan => ({ ...SPAN, spanId: (index + 1).toString(16).padStart(16, '0') });
    const template = new TraceTemplate(newEncoder(65_536));
    assert.equal(show(template, [spanOf(0), { ...spanOf(1), traceId: '1'.repeat(32) }]), false);
    assert.equal(show(template, [spanOf(0), spanOf(0)]), false);
    const small = { ...SPAN, attributes: [], links: [], failure: undefined, exception: undefined };
    const many = Array.from({ length: 129 }, (_, index) => ({ ...small, spanId: spanOf(index).spanId }));
    const exception = { type: 'Error', message: '', stacktrace: '' };
    assert.equal(show(template, [{ ...small, exception }]), false);
    assert.equal(show(template, many), false);
    assert.equal(show(template, many.slice(1)), true);
    assert.equal(show(template, [{ ...small, attributes: [[ATTRIBUTES.mqttTopic, 'x'.repeat(70_000)]] }]), false);
  });

  it('leaves out a trace that does not fit as a whole, and counts its spans', () => {
    const encoder = newEncoder(65_536);
    const template = new TraceTemplate(encoder);
    const small = { ...SPAN, links: [], failure: undefined, exception: undefined, isEntry: true };
    const large: ShownSpan = {
      ...small,
      definition: SPANS.mqttPublish,
      attributes: [[ATTRIBUTES.mqttTopic, 'x'.repeat(40_000)]],
    };
    const write: ShownSpan = { ...small, definition: SPANS.journalWrite, spanId: '0000000000000001', attributes: [] };
    assert(show(template, [large, write]));
    template.append({ ids: new Uint32Array(MAX_IDS), times: new Float64Array(4), numbers: new Float64Array(0) });
    const batch = encoder.takeBatch();
    assert.deepEqual([batch.spans, batch.traces, batch.refused], [2, 2, 2]);
    assert.deepEqual(decodeFields(batch.bytes), expected([large, write]));
  });
});
