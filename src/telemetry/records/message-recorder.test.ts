import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, METRICS, SPANS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { counterId } from '../metrics.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { isSampled, spanIdOf, traceIdOf } from '../trace-context.ts';
import { ENTRY, EntryBatch, FLAG, MessageEntry, QOS_SHIFT, SHAPE, SHAPE_SHIFT, type Shape } from './message-entry.ts';
import { type MessageContext, messageContext, spansOfEntry } from './message-recorder.ts';

const STAGE = { dispatchedAt: 30, answeredAt: 40, connections: 3, queueDepth: 2, shard: 0 };
const traces = counterId(METRICS.tracesTotal);
const traceErrors = counterId(METRICS.traceErrorsTotal);

function setUp(options: Parameters<typeof testTelemetry>[0] = {}) {
  const telemetry = testTelemetry(options);
  const { messages, texts, clients } = telemetry.recording;
  const publisher = clients.absent('ada', 7);
  const describeEntry = (entry: MessageEntry, flags = 0): void => {
    const { u32, f64 } = entry;
    u32[ENTRY.client] = publisher;
    u32[ENTRY.topic] = texts.of('a/b');
    u32[ENTRY.rule] = texts.of('allow all');
    u32[ENTRY.payloadBytes] = 16;
    u32[ENTRY.flags]! |= flags;
    f64[ENTRY.receivedAt] = 10;
    f64[ENTRY.admittedAt] = 20;
  };
  /** One message, of which the rest of the arguments say what became of it. */
  const record = (shape: Shape, flags = 0, context = messageContext()): MessageContext => {
    const entry = new MessageEntry();
    messages.begin(entry, context);
    describeEntry(entry, flags | (shape << SHAPE_SHIFT));
    messages.direct.append(entry);
    messages.endRead(STAGE);
    return context;
  };
  return { ...telemetry, telemetry, messages, texts, describeEntry, record };
}

/** A caller's context. */
function caller(flags: number): Uint8Array {
  return Uint8Array.from({ length: 25 }, (_, index) => (index === 24 ? flags : index + 1));
}

function byName(spans: readonly FinishedSpan[]): Map<string, FinishedSpan> {
  return new Map(spans.map((span) => [span.definition.name, span]));
}

function attributeOf({ attributes }: FinishedSpan, wanted: AttributeDefinition) {
  return attributes.find(({ definition }) => definition === wanted)?.value;
}

const namesOf = (spans: readonly FinishedSpan[]) => spans.map(({ definition }) => definition.name).sort();
const names = (...definitions: { name: string }[]) => definitions.map(({ name }) => name).sort();

describe('the spans of a message', () => {
  const access = [SPANS.authValidate, SPANS.topicAuthorize];
  const storing = [SPANS.storagePersist, SPANS.metadataQuery, SPANS.clusterRoute];
  const shapes: [keyof typeof SHAPE, { name: string }[]][] = [
    ['direct', [SPANS.subscriptionMatch]],
    ['stored', [...storing, SPANS.subscriptionMatch]],
    ['unauthorized', []],
    ['refused', []],
    ['unstored', storing],
    ['repeated', []],
  ];
  for (const [shape, further] of shapes) {
    it(`that was ${shape} are those of its stages`, () => {
      const { record, telemetry, recording } = setUp();
      record(SHAPE[shape]);
      assert.deepEqual(namesOf(telemetry.spans), names(SPANS.mqttPublish, ...access, ...further));
      assert.equal(telemetry.spans.length, recording.recordedSpans);
    });

    it(`of a will that was ${shape} are the same without a packet's`, () => {
      const { record, telemetry, recording } = setUp();
      record(SHAPE[shape], FLAG.will);
      assert.deepEqual(namesOf(telemetry.spans), names(SPANS.willPublish, ...further));
      assert.equal(telemetry.spans.length, recording.recordedSpans);
    });
  }

  it('say what was told of it', () => {
    const { record, telemetry, recording } = setUp();
    const context = record(SHAPE.direct, FLAG.retain | FLAG.duplicate | FLAG.cached | (1 << QOS_SHIFT) | 0xabcd);
    const spans = byName(telemetry.spans);
    const publish = spans.get(SPANS.mqttPublish.name)!;
    assert.deepEqual([publish.traceId, publish.spanId], [traceIdOf(context.bytes), spanIdOf(context.bytes)]);
    assert.deepEqual([publish.parent, publish.isEntry], [{ type: 'none' }, true]);
    assert.deepEqual([publish.startedAt, publish.endedAt], [10, 40]);
    const told: [AttributeDefinition, unknown][] = [
      [ATTRIBUTES.mqttClientId, 'ada'],
      [ATTRIBUTES.mqttTopic, 'a/b'],
      [ATTRIBUTES.mqttQos, 1],
      [ATTRIBUTES.mqttRetain, true],
      [ATTRIBUTES.mqttDuplicate, true],
      [ATTRIBUTES.mqttPacketId, 0xabcd],
      [ATTRIBUTES.mqttPayloadSize, 16],
      [ATTRIBUTES.performanceConnectionCount, 3],
      [ATTRIBUTES.performanceQueueDepth, 2],
      [ATTRIBUTES.performanceSuccess, true],
      [ATTRIBUTES.robustmqSessionId, '7'],
    ];
    for (const [attribute, value] of told) assert.equal(attributeOf(publish, attribute), value, attribute.key);
    const authorize = spans.get(SPANS.topicAuthorize.name)!;
    assert.equal(attributeOf(authorize, ATTRIBUTES.authRule), 'allow all');
    for (const { parent, traceId, definition } of telemetry.spans.filter((span) => span !== publish))
      assert.deepEqual(
        [definition.name, traceId, parent],
        [definition.name, publish.traceId, { type: 'local', spanId: publish.spanId }],
      );
    assert.equal(recording.messages.open, 0);
  });

  it('tell of a failure on the span that failed and on the message’s', () => {
    for (const [shape, failing] of [
      [SHAPE.unauthorized, SPANS.topicAuthorize],
      [SHAPE.unstored, SPANS.storagePersist],
    ] as const) {
      const { messages, describeEntry, telemetry, metrics } = setUp();
      const entry = new MessageEntry();
      messages.begin(entry, messageContext());
      describeEntry(entry);
      messages.fail(entry.u32, 0, shape, 'not_taken', 'why it failed');
      messages.direct.append(entry);
      messages.endRead(STAGE);
      const failed = telemetry.spans.filter(({ failure }) => failure !== null);
      assert.deepEqual(namesOf(failed), names(SPANS.mqttPublish, failing));
      for (const span of failed) {
        assert.equal(span.failure!.message, 'why it failed');
        assert.equal(attributeOf(span, ATTRIBUTES.errorType), 'not_taken');
      }
      assert.equal(metrics.value(traceErrors), 1);
    }
  });

  it('tell of a link as well as of a failure, whichever came first, and of no second failure', () => {
    const link = caller(1);
    for (const isLinkFirst of [true, false]) {
      const { messages, describeEntry, telemetry, metrics } = setUp();
      const entry = new MessageEntry();
      messages.begin(entry, messageContext());
      describeEntry(entry);
      if (isLinkFirst) messages.link(entry, link);
      messages.fail(entry.u32, 0, SHAPE.unauthorized, 'not_authorized', 'no rule allows it');
      messages.fail(entry.u32, 0, SHAPE.refused, 'other', 'something else');
      if (!isLinkFirst) messages.link(entry, link);
      messages.direct.append(entry);
      messages.endRead(STAGE);
      const publish = byName(telemetry.spans).get(SPANS.mqttPublish.name)!;
      assert.deepEqual(publish.links, [{ traceId: traceIdOf(link), spanId: spanIdOf(link), sampled: true }]);
      assert.equal(publish.failure?.message, 'no rule allows it');
      assert.equal(metrics.value(traceErrors), 1);
      if (isLinkFirst) assert.deepEqual(byName(telemetry.spans).get(SPANS.topicAuthorize.name)!.links, []);
    }
  });

  it('say that a failure was overwritten where its words are', () => {
    const { messages, describeEntry, telemetry, recording } = setUp();
    const entry = new MessageEntry();
    messages.begin(entry, messageContext());
    describeEntry(entry);
    messages.fail(entry.u32, 0, SHAPE.unauthorized, 'not_authorized', 'no rule allows it');
    for (let words = 0; words < 200_000; words += 500) recording.texts.once('x'.repeat(4000));
    messages.direct.append(entry);
    messages.endRead(STAGE);
    const failed = telemetry.spans.filter(({ failure }) => failure !== null);
    assert.deepEqual(
      failed.map(({ failure }) => failure!.message),
      ['(overwritten)', '(overwritten)'],
    );
  });
});

describe('the trace of a message', () => {
  it('is its own, and chosen by rate', () => {
    for (const [rate, isChosen] of [
      [1, true],
      [0, false],
    ] as const) {
      const { record, metrics } = setUp({ rate });
      assert.equal(isSampled(record(SHAPE.direct).bytes), isChosen);
      assert.equal(metrics.value(traces), 1);
    }
  });

  it('is the caller’s, whose flag decides where callers are followed', () => {
    for (const [flags, rate, followParent, isChosen] of [
      [1, 0, true, true],
      [0, 1, true, false],
      [1, 0, false, false],
      [0, 1, false, true],
    ] as const) {
      const { messages, describeEntry, telemetry } = setUp({ rate, followParent });
      const entry = new MessageEntry();
      const context = messageContext();
      const parent = caller(flags);
      messages.beginBelow(entry, context, parent);
      describeEntry(entry);
      messages.direct.append(entry);
      messages.endRead(STAGE);
      const publish = telemetry.spans[0]!;
      assert.equal(publish.traceId, traceIdOf(parent));
      assert.deepEqual(publish.parent, { type: 'remote', spanId: spanIdOf(parent) });
      assert.equal(publish.spanId, spanIdOf(context.bytes));
      assert.deepEqual([isSampled(context.bytes), (entry.u32[ENTRY.flags]! & FLAG.head) !== 0], [isChosen, isChosen]);
      assert.equal((entry.u32[ENTRY.flags]! & FLAG.forced) !== 0, followParent && flags === 1);
    }
  });
});

describe('messages that share a stage', () => {
  it('are all recorded, each with its own identity, however many there are', () => {
    const message = fc.record({
      shape: fc.constantFrom(...Object.values(SHAPE)),
      flags: fc.constantFrom(0, FLAG.will, FLAG.retain, FLAG.duplicate | (2 << QOS_SHIFT), FLAG.cached),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.constantFrom(1, 7, 150), (kinds, times) => {
        const { messages, describeEntry, recording, telemetry } = setUp({ ringBytes: 8 << 20 });
        const batch = new EntryBatch();
        let expected = 0;
        for (let round = 0; round < times; round += 1)
          for (const { shape, flags } of kinds) {
            const entry = new MessageEntry();
            messages.begin(entry, messageContext());
            describeEntry(entry, flags | (shape << SHAPE_SHIFT));
            batch.append(entry);
            expected += spansOfEntry(entry.u32[ENTRY.flags]!);
          }
        messages.write(batch, 0, batch.count, STAGE);
        const { spans } = telemetry;
        assert.deepEqual([spans.length, recording.recordedSpans, messages.open], [expected, expected, 0]);
        assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
        assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, batch.count);
      }),
      { numRuns: 30 },
    );
  });

  it('that are stored know when all of them were admitted, and how many subscriptions matched each', () => {
    const { messages, describeEntry, telemetry, texts } = setUp();
    const batch = new EntryBatch();
    for (let index = 0; index < 3; index += 1) {
      const entry = new MessageEntry();
      messages.begin(entry, messageContext());
      describeEntry(entry);
      assert.equal(batch.isStamped, index === 0);
      batch.append(entry);
    }
    batch.stampAdmitted(25);
    for (let index = 0; index < 3; index += 1) batch.stored(index, index);
    messages.write(batch, 0, 3, { ...STAGE, shard: texts.of('messages-1') });
    const routes = telemetry.spans.filter(({ definition }) => definition === SPANS.clusterRoute);
    assert.deepEqual(
      routes.map(({ startedAt, endedAt }) => [startedAt, endedAt]),
      Array(3).fill([10, 25]),
    );
    const matches = telemetry.spans.filter(({ definition }) => definition === SPANS.subscriptionMatch);
    assert.deepEqual(
      matches.map((span) => attributeOf(span, ATTRIBUTES.subscriptionCount)),
      [0, 1, 2],
    );
    const route = byName(telemetry.spans).get(SPANS.clusterRoute.name)!;
    assert.equal(attributeOf(route, ATTRIBUTES.shardRoute), 'messages-1');
    batch.reset();
    assert.deepEqual([batch.count, batch.isStamped], [0, true]);
  });
});
