import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, SPANS, type SpanDefinition } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import type { Recording } from '../recording.ts';
import { type RecordBlock, RingReader } from '../ring/ring-reader.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { decidingBits } from './deciding-bits.ts';
import { Expander } from './expand/expander.ts';
import { type Expansion, emptyFacts } from './expand/expansion.ts';
import { PUSH_SPANS } from './run-recorder.ts';

function setUp(rate = 1) {
  const telemetry = testTelemetry({ rate, ringBytes: 8 << 20 });
  const { runs, texts, clients, head } = telemetry.recording;
  const publisher = clients.absent('ada', 7);
  const finish = (): void =>
    runs.finish({
      receivedAt: 10,
      admittedAt: 20,
      pushedAt: 30,
      client: publisher,
      rule: texts.of('allow all'),
      connections: 5,
      threshold: head.threshold,
      matched: 2,
    });
  return { ...telemetry, telemetry, runs, texts, clients, finish };
}

function attributeOf({ attributes }: FinishedSpan, wanted: AttributeDefinition) {
  return attributes.find(({ definition }) => definition === wanted)?.value;
}

const spansOf = (spans: readonly FinishedSpan[], wanted: SpanDefinition) =>
  spans.filter(({ definition }) => definition === wanted);

/** Everything that was recorded, unit by unit. */
function eachUnit(
  { ring, seed }: Recording,
  visit: (expansion: Expansion, block: RecordBlock, at: number, unit: number) => void,
): void {
  const reader = new RingReader(ring);
  const expander = new Expander(reader, seed, { cluster: 'test', brokerId: 'broker-1' });
  for (let at = reader.next(); at >= 0; at = reader.next()) {
    const expansion = expander.of(reader.block, at);
    const units = expansion?.units(reader.block, at) ?? 0;
    for (let unit = 0; unit < units; unit += 1) visit(expansion!, reader.block, at, unit);
    reader.advance(expansion?.spans(reader.block, at) ?? 0);
  }
}

describe('a run', () => {
  it('is a trace for each of its messages, with every stage and every delivery', () => {
    const { runs, texts, clients, finish, telemetry } = setUp();
    runs.message(texts.of('a'), 1);
    runs.message(texts.of('b'), 2);
    runs.pushed(clients.absent('bob', 8), false);
    runs.pushed(clients.absent('eve', 9), true);
    finish();
    const publishes = spansOf(telemetry.spans, SPANS.mqttPublish);
    assert.deepEqual(
      publishes.map((span) => [attributeOf(span, ATTRIBUTES.mqttTopic), attributeOf(span, ATTRIBUTES.mqttPayloadSize)]),
      [
        ['a', 1],
        ['b', 2],
      ],
    );
    for (const { traceId, spanId, startedAt, endedAt, isEntry } of publishes) {
      assert.deepEqual([startedAt, endedAt, isEntry], [10, 30, true]);
      const others = telemetry.spans.filter((span) => span.traceId === traceId && span.spanId !== spanId);
      assert.deepEqual(
        others.map(({ definition }) => definition),
        [SPANS.authValidate, SPANS.topicAuthorize, SPANS.subscriptionMatch, SPANS.clientPush, SPANS.clientPush],
      );
      assert.ok(others.every(({ parent }) => parent.type === 'local' && parent.spanId === spanId));
      const pushes = spansOf(others, SPANS.clientPush);
      assert.deepEqual(
        pushes.map((span) => [attributeOf(span, ATTRIBUTES.mqttClientId), attributeOf(span, ATTRIBUTES.dropReason)]),
        [
          ['bob', undefined],
          ['eve', 'queue_full'],
        ],
      );
    }
  });

  it('shows as many spans as were counted, with ids of their own, however many messages and subscribers it has', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.boolean(), { maxLength: 80 })), {
          maxLength: 4,
        }),
        (all) => {
          const { runs, texts, clients, finish, telemetry, recording } = setUp();
          const subscriber = clients.absent('bob', 8);
          for (const [messages, drops] of all) {
            for (let index = 0; index < messages; index += 1) runs.message(texts.of(`topic ${index}`), index);
            for (const isDropped of drops) runs.pushed(subscriber, isDropped);
            const first = telemetry.spans.length;
            finish();
            const spans = telemetry.spans.slice(first);
            const listed = Math.min(drops.length, PUSH_SPANS);
            assert.equal(spansOf(spans, SPANS.clientPush).length, messages * listed);
            const rest = spansOf(spans, SPANS.clientPushRest);
            assert.equal(rest.length, drops.length > PUSH_SPANS ? messages : 0);
            for (const span of rest) {
              assert.equal(attributeOf(span, ATTRIBUTES.pushCount), drops.length - PUSH_SPANS);
              const failures = drops.slice(PUSH_SPANS).filter(Boolean).length;
              assert.equal(attributeOf(span, ATTRIBUTES.pushFailures), failures);
              assert.equal(attributeOf(span, ATTRIBUTES.errorType), failures > 0 ? 'dropped' : undefined);
              assert.equal(span.failure !== null, failures > 0);
            }
          }
          const { spans } = telemetry;
          assert.equal(spans.length, recording.recordedSpans);
          assert.equal(new Set(spans.map(({ traceId, spanId }) => traceId + spanId)).size, spans.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('tells of each message its topic and size, whether these are the same for many or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ topic: fc.nat(2), bytes: fc.nat(2), times: fc.integer({ min: 1, max: 9 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.boolean(),
        (groups, isPushed) => {
          const { runs, texts, clients, finish, telemetry } = setUp();
          const messages = groups.flatMap(({ topic, bytes, times }) =>
            new Array(times).fill([`topic ${topic}`, bytes]),
          );
          for (const [topic, bytes] of messages) runs.message(texts.of(topic), bytes);
          if (isPushed) runs.pushed(clients.absent('bob', 8), false);
          finish();
          assert.deepEqual(
            spansOf(telemetry.spans, SPANS.mqttPublish).map((span) => [
              attributeOf(span, ATTRIBUTES.mqttTopic),
              attributeOf(span, ATTRIBUTES.mqttPayloadSize),
            ]),
            messages,
          );
        },
      ),
    );
  });

  it('takes no word for a message that says what the one before it said', () => {
    const { runs, texts, finish, recording } = setUp();
    const topic = texts.of('a');
    for (let message = 0; message < 1000; message += 1) runs.message(topic, 7);
    finish();
    let words = 0;
    eachUnit(recording, (_expansion, { u32 }, at) => {
      words = u32[at * 2]! >>> 16;
    });
    assert.ok(words < 20, `${words} words`);
  });

  it('is full when its record is as large as can be', () => {
    const { runs, texts, clients, finish, recording } = setUp();
    const topic = texts.of('a');
    const subscriber = clients.absent('bob', 8);
    for (let index = 0; index < PUSH_SPANS; index += 1) runs.pushed(subscriber, false);
    let messages = 0;
    for (; !runs.isFull; messages += 1) runs.message(topic, messages);
    finish();
    assert.ok(!runs.isFull);
    assert.equal(recording.recordedSpans, messages * (4 + PUSH_SPANS));
    let shown = 0;
    eachUnit(recording, (expansion, block, at) => {
      shown += expansion.unitSpans(block, at, 0);
    });
    assert.equal(shown, recording.recordedSpans);
  });

  it('leaves nothing when it is discarded', () => {
    const { runs, texts, clients, finish, telemetry } = setUp();
    runs.message(texts.of('a'), 1);
    runs.pushed(clients.absent('bob', 8), true);
    runs.discard();
    runs.message(texts.of('b'), 2);
    finish();
    assert.equal(telemetry.spans.length, 4);
  });

  it('has the head decide for each of its messages, as it does for one alone', () => {
    for (const rate of [0, 0.3, 1]) {
      const { runs, texts, finish, recording } = setUp(rate);
      for (let index = 0; index < 500; index += 1) runs.message(texts.of('a'), 1);
      finish();
      const trace = new Uint32Array(4);
      const facts = emptyFacts();
      const heads: number[] = [];
      let units = 0;
      eachUnit(recording, (expansion, block, at, unit) => {
        expansion.trace(block, at, unit, trace);
        expansion.facts(block, at, unit, facts);
        const { sampler, threshold } = recording.head;
        assert.equal(facts.head, sampler.chooses(decidingBits(trace, 0), threshold));
        expansion.heads!(block, at, heads);
        assert.equal(heads.includes(unit), facts.head);
        units += 1;
      });
      assert.equal(units, 500);
    }
  });
});
