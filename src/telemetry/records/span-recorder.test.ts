import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, METRICS, SPANS } from '../catalogue.ts';
import { counterId } from '../metrics.ts';
import type { AttributeValue, SpanHandle } from '../recorder.ts';
import { MAX_ATTRIBUTES, MAX_LINKS, MAX_STRING_LENGTH, MAX_STRINGS } from '../span-limits.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { CONTEXT_BYTES, FLAGS_AT, hasTrace, isSampled, spanIdOf, traceIdOf } from '../trace-context.ts';

const traces = counterId(METRICS.tracesTotal);
const traceErrors = counterId(METRICS.traceErrorsTotal);
const poolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const parentEnded = counterId(METRICS.spansDroppedTotal, 'parent_ended');

function setUp(options: Parameters<typeof testTelemetry>[0] = {}) {
  const telemetry = testTelemetry({ maxOpenSpans: 16, ringBytes: 16 << 20, ...options });
  const contextOf = (handle: SpanHandle) => {
    const context = new Uint8Array(CONTEXT_BYTES);
    telemetry.recorder.context(handle, context, 0);
    return context;
  };
  return { ...telemetry, telemetry, contextOf };
}

/** A caller's context. */
function caller(flags: number): Uint8Array {
  return Uint8Array.from({ length: CONTEXT_BYTES }, (_, index) => (index === FLAGS_AT ? flags : index + 1));
}

describe('a root span', () => {
  it('begins a trace of its own and is recorded when it ends', () => {
    const { recorder, telemetry, metrics, contextOf } = setUp();
    const span = recorder.root(SPANS.topicAuthorize, 1000.25);
    const context = contextOf(span);
    recorder.attribute(span, ATTRIBUTES.mqttTopic, 'a/b');
    assert.deepEqual(telemetry.spans, []);
    recorder.end(span, 1001.5);
    assert.deepEqual(telemetry.spans, [
      {
        definition: SPANS.topicAuthorize,
        traceId: traceIdOf(context),
        spanId: spanIdOf(context),
        parent: { type: 'none' },
        isEntry: true,
        startedAt: 1000.25,
        endedAt: 1001.5,
        attributes: [{ definition: ATTRIBUTES.mqttTopic, value: 'a/b' }],
        droppedAttributes: 0,
        links: [],
        droppedLinks: 0,
        failure: null,
      },
    ]);
    assert.ok(hasTrace(context) && isSampled(context));
    assert.equal(metrics.value(traces), 1);
  });

  it('does not end before it began', () => {
    const { recorder, telemetry } = setUp();
    recorder.end(recorder.root(SPANS.mqttPublish, 1000), 999);
    assert.equal(telemetry.spans[0]!.endedAt, 1000);
  });
});

describe('a span below another', () => {
  it('is in its trace, and shares its decision', () => {
    for (const rate of [0, 1]) {
      const { recorder, telemetry, contextOf } = setUp({ rate });
      const parent = recorder.root(SPANS.mqttConnect, 1);
      const child = recorder.child(SPANS.authBackend, parent, 2);
      const [above, below] = [contextOf(parent), contextOf(child)];
      assert.equal(isSampled(below), rate === 1);
      recorder.end(child, 3);
      recorder.end(parent, 4);
      const [span] = telemetry.spans;
      assert.deepEqual([span!.traceId, span!.parent], [traceIdOf(above), { type: 'local', spanId: spanIdOf(above) }]);
      assert.equal(span!.isEntry, false);
    }
  });

  it('is not recorded where there is none, and counted where the other has ended', () => {
    const { recorder, metrics } = setUp();
    assert.equal(recorder.child(SPANS.authBackend, 0, 1), 0);
    const parent = recorder.root(SPANS.mqttConnect, 1);
    recorder.end(parent, 2);
    assert.equal(recorder.child(SPANS.authBackend, parent, 3), 0);
    assert.equal(metrics.value(parentEnded), 1);
  });
});

describe('a span below a context that came with data', () => {
  it('continues its trace, and its decision where callers are followed', () => {
    for (const [flags, rate, followParent, isChosen] of [
      [1, 0, true, true],
      [0, 1, true, false],
      [1, 0, false, false],
      [0, 1, false, true],
    ] as const) {
      const { recorder, telemetry, contextOf, metrics } = setUp({ rate, followParent });
      const context = caller(flags);
      const span = recorder.continued(SPANS.mqttPublish, context, 0, 1);
      assert.equal(isSampled(contextOf(span)), isChosen);
      recorder.end(span, 2);
      assert.equal(telemetry.spans[0]!.traceId, traceIdOf(context));
      assert.deepEqual(telemetry.spans[0]!.parent, { type: 'remote', spanId: spanIdOf(context) });
      assert.deepEqual([telemetry.spans[0]!.isEntry, metrics.value(traces)], [true, 1]);
    }
  });

  it('is no new trace when a PUBREL goes on with its PUBLISH', () => {
    const { recorder, telemetry, metrics } = setUp();
    recorder.end(recorder.continued(SPANS.mqttPubrel, caller(1), 0, 1), 2);
    assert.deepEqual([telemetry.spans[0]!.isEntry, metrics.value(traces)], [false, 0]);
  });

  it('is not recorded where the context is empty', () => {
    const { recorder } = setUp();
    assert.equal(recorder.continued(SPANS.mqttPublish, new Uint8Array(CONTEXT_BYTES), 0, 1), 0);
  });

  it('may be linked to it instead', () => {
    const { recorder, telemetry } = setUp();
    const context = caller(1);
    recorder.end(recorder.linked(SPANS.clientPush, context, 0, 1), 2);
    assert.deepEqual(telemetry.spans[0]!.links, [
      { traceId: traceIdOf(context), spanId: spanIdOf(context), sampled: true },
    ]);
    assert.notEqual(telemetry.spans[0]!.traceId, traceIdOf(context));
  });
});

describe('what a span holds', () => {
  const all = Object.values<AttributeDefinition>(ATTRIBUTES);
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const valueOfType = ({ type }: AttributeDefinition): fc.Arbitrary<AttributeValue> => {
    if (type === 'string') return text;
    if (type === 'string[]') return fc.array(text, { minLength: 1, maxLength: 9 });
    if (type === 'boolean') return fc.boolean();
    return type === 'int' ? fc.maxSafeInteger() : fc.double({ noNaN: true });
  };
  const attributes = fc
    .uniqueArray(fc.constantFrom(...all), { maxLength: MAX_ATTRIBUTES })
    .chain((definitions) =>
      fc.tuple(...definitions.map((definition) => fc.tuple(fc.constant(definition), valueOfType(definition)))),
    );

  it('is what it was given', () => {
    fc.assert(
      fc.property(attributes, fc.nat(MAX_LINKS), fc.option(text), fc.boolean(), (given, links, failure, hasError) => {
        const { recorder, telemetry, recording } = setUp();
        const span = recorder.root(SPANS.topicAuthorize, 1);
        for (const [definition, value] of given) recorder.attribute(span, definition, value);
        for (let index = 0; index < links; index += 1) recorder.link(span, caller(index % 2), 0);
        if (failure !== null) recorder.fail(span, 'refused', failure, hasError ? new RangeError('thrown') : undefined);
        recorder.end(span, 2);
        const [shown] = telemetry.spans;
        const expected = new Map<AttributeDefinition, AttributeValue>(given);
        // A full span has no room for what a failure says of itself.
        for (const [definition, value] of [
          [ATTRIBUTES.errorType, 'refused'],
          [ATTRIBUTES.errorMessage, failure ?? ''],
        ] as const)
          if (failure !== null && (expected.has(definition) || expected.size < MAX_ATTRIBUTES))
            expected.set(definition, value);
        // A client without a name is shown without one.
        if (expected.get(ATTRIBUTES.userName) === '') expected.delete(ATTRIBUTES.userName);
        assert.deepEqual(new Map(shown!.attributes.map(({ definition, value }) => [definition, value])), expected);
        assert.deepEqual(
          shown!.links.map(({ sampled }) => sampled),
          Array.from({ length: links }, (_, index) => index % 2 === 1),
        );
        assert.equal(shown!.failure?.message, failure ?? undefined);
        assert.equal(shown!.failure?.thrown?.type, failure !== null && hasError ? 'RangeError' : undefined);
        assert.equal(recording.recordedSpans, 1);
      }),
      { numRuns: 60 },
    );
  });

  it('is bounded, and says how much it left out', () => {
    const { recorder, telemetry } = setUp();
    const span = recorder.root(SPANS.topicAuthorize, 1);
    const list = Array.from({ length: MAX_STRINGS + 1 }, (_, index) => `${index}${'x'.repeat(MAX_STRING_LENGTH)}`);
    const others = all.filter(
      (definition) => definition !== ATTRIBUTES.errorType && definition !== ATTRIBUTES.errorMessage,
    );
    for (const definition of others.slice(0, MAX_ATTRIBUTES + 3))
      recorder.attribute(
        span,
        definition,
        list.map((item) => item.slice(0, 9)),
      );
    recorder.attribute(span, others[0]!, list);
    for (let index = 0; index < MAX_LINKS + 5; index += 1) recorder.link(span, caller(1), 0);
    recorder.fail(span, 'type', 'message', new Error('thrown'));
    recorder.end(span, 2);
    const [shown] = telemetry.spans;
    assert.equal(shown!.attributes.length, MAX_ATTRIBUTES);
    assert.deepEqual(
      shown!.attributes[0]!.value,
      list.slice(0, MAX_STRINGS).map((item) => item.slice(0, MAX_STRING_LENGTH)),
    );
    assert.deepEqual([shown!.links.length, shown!.droppedLinks], [MAX_LINKS, 5]);
    assert.equal(shown!.droppedAttributes, 3 + 2);
    assert.equal(shown!.failure?.thrown?.message, 'thrown');
  });

  it('leaves with it: the next span of the same slot has nothing of it', () => {
    const { recorder, telemetry, metrics } = setUp({ maxOpenSpans: 1 });
    const first = recorder.root(SPANS.topicAuthorize, 1);
    recorder.attribute(first, ATTRIBUTES.mqttTopic, 'a');
    recorder.link(first, caller(1), 0);
    recorder.fail(first, 'refused', 'message');
    recorder.end(first, 2);
    const second = recorder.root(SPANS.topicAuthorize, 3);
    recorder.attribute(first, ATTRIBUTES.mqttTopic, 'late');
    recorder.fail(first, 'late', 'late');
    recorder.end(first, 4);
    recorder.end(second, 5);
    const { attributes, links, failure, endedAt } = telemetry.spans[1]!;
    assert.deepEqual([attributes, links, failure, endedAt], [[], [], null, 5]);
    assert.equal(metrics.value(traceErrors), 1);
  });
});

describe('spans beyond the pool', () => {
  it('are not recorded, and counted', () => {
    const { recorder, recording, metrics, contextOf } = setUp({ maxOpenSpans: 2 });
    const open = [recorder.root(SPANS.mqttConnect, 1), recorder.root(SPANS.mqttConnect, 1)];
    assert.equal(recorder.root(SPANS.mqttConnect, 1), 0);
    assert.deepEqual([metrics.value(poolFull), recording.openSpans], [1, 2]);
    assert.ok(!hasTrace(contextOf(0)));
    for (const span of open) recorder.end(span, 2);
    assert.equal(recording.openSpans, 0);
  });
});
