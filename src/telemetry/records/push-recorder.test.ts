import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, METRICS, SPANS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { counterId } from '../metrics.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { traceIdOf } from '../trace-context.ts';
import { messageContext } from './message-recorder.ts';
import { PUSH_FLAG } from './push-record.ts';

const poolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const traces = counterId(METRICS.tracesTotal);
const traceErrors = counterId(METRICS.traceErrorsTotal);

function setUp(maxOpenSpans = 16) {
  const telemetry = testTelemetry({ maxOpenSpans });
  const { recording } = telemetry;
  const context = messageContext();
  for (let word = 0; word < 6; word += 1) context.words[word] = 0x01010101 * (word + 1);
  const client = recording.clients.absent('ada', 7);
  const begin = (qos = 1, at = 10, flags = 0) => recording.pushes.begin(context.words, flags, qos, client, 0, 0, at);
  return {
    ...telemetry,
    pushes: recording.pushes,
    recording,
    context,
    client,
    begin,
    names: () => telemetry.spans.map(({ definition }) => definition.name),
    telemetry,
  };
}

const attributeOf = ({ attributes }: FinishedSpan, wanted: (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES]) =>
  attributes.find(({ definition }) => definition === wanted)?.value;

describe('a delivery', () => {
  it('at QoS 0 is over with its stage', () => {
    const { pushes, begin, telemetry, context } = setUp();
    begin(0);
    assert.deepEqual([telemetry.spans.length, pushes.open], [0, 1]);
    pushes.endStage(12);
    const [push] = telemetry.spans;
    assert.equal(push!.definition, SPANS.clientPush);
    assert.deepEqual([push!.startedAt, push!.endedAt, push!.failure], [10, 12, null]);
    assert.equal(push!.traceId, traceIdOf(context.bytes));
    assert.deepEqual(push!.parent, { type: 'local', spanId: '0505050506060606' });
    assert.deepEqual(
      [attributeOf(push!, ATTRIBUTES.mqttClientId), attributeOf(push!, ATTRIBUTES.robustmqSessionId)],
      ['ada', '7'],
    );
    assert.equal(pushes.open, 0);
  });

  it('at QoS 1 is over when it has been acknowledged', () => {
    const { pushes, begin, telemetry, names } = setUp();
    const handle = begin();
    pushes.sent(handle, 77);
    pushes.endStage(12);
    pushes.acknowledged(handle, 0, 20);
    assert.deepEqual([telemetry.spans.length, pushes.open], [0, 0]);
    pushes.endAcknowledged();
    assert.deepEqual(
      names(),
      [SPANS.clientPush, SPANS.deliveryConfirm, SPANS.mqttPuback].map(({ name }) => name),
    );
    const [push, confirm, ack] = telemetry.spans;
    assert.deepEqual([push!.endedAt, confirm!.startedAt, confirm!.endedAt, ack!.startedAt], [12, 12, 20, 20]);
    assert.deepEqual(confirm!.parent, { type: 'local', spanId: push!.spanId });
    assert.deepEqual(ack!.parent, { type: 'local', spanId: confirm!.spanId });
    assert.equal(attributeOf(ack!, ATTRIBUTES.mqttPacketId), 77);
    assert.equal(pushes.open, 0);
  });

  it('acknowledged before its stage was over was pushed by then', () => {
    const { pushes, begin, telemetry } = setUp();
    const handle = begin();
    pushes.sent(handle, 1);
    pushes.acknowledged(handle, 0, 20);
    pushes.endAcknowledged();
    pushes.endStage(30);
    const [push, confirm] = telemetry.spans;
    assert.equal(telemetry.spans.length, 3);
    assert.deepEqual([push!.startedAt, push!.endedAt, confirm!.startedAt, confirm!.endedAt], [10, 20, 20, 20]);
  });

  it('is acknowledged once: what comes again changes nothing, and neither does the end of the connection', () => {
    const { pushes, begin, telemetry } = setUp(1);
    const handle = begin();
    pushes.sent(handle, 1);
    pushes.endStage(12);
    pushes.acknowledged(handle, 0, 20);
    pushes.acknowledged(handle, 0x87, 25);
    pushes.disconnected(handle, 26);
    pushes.endAcknowledged();
    assert.deepEqual(
      telemetry.spans.map(({ failure, endedAt }) => [failure, endedAt]),
      [
        [null, 12],
        [null, 20],
        [null, 20],
      ],
    );
    // The slot is another delivery's now.
    const next = begin();
    assert.notEqual(next, handle);
    pushes.acknowledged(handle, 0, 30);
    pushes.disconnected(handle, 30);
    pushes.endAcknowledged();
    assert.equal(pushes.open, 1);
  });

  it('that is refused or cut off says so', () => {
    const { pushes, begin, telemetry } = setUp();
    const [refused, cutOff] = [begin(), begin(2)];
    for (const handle of [refused, cutOff]) pushes.sent(handle, 1);
    pushes.endStage(12);
    pushes.received(cutOff, 15);
    pushes.disconnected(cutOff, 20);
    pushes.acknowledged(refused, 0x97, 21);
    pushes.endAcknowledged();
    const failures = telemetry.spans.filter(({ failure }) => failure !== null);
    assert.deepEqual(
      failures.map((span) => attributeOf(span, ATTRIBUTES.errorType)),
      ['disconnected', 'mqtt_0x97'],
    );
    assert.equal(telemetry.spans.length, 3 + 3);
  });

  it('that was dropped says why', () => {
    for (const [flag, reason] of [
      [PUSH_FLAG.droppedQueueFull, 'queue_full'],
      [PUSH_FLAG.droppedTooLarge, 'too_large'],
    ] as const) {
      const { pushes, begin, telemetry } = setUp();
      pushes.dropped(begin(0), flag);
      pushes.endStage(12);
      assert.equal(attributeOf(telemetry.spans[0]!, ATTRIBUTES.dropReason), reason);
      assert.notEqual(telemetry.spans[0]!.failure, null);
    }
  });

  it('that stands for the rest of a fan-out counts them', () => {
    const { pushes, begin, telemetry } = setUp();
    const rest = begin(1, 10, PUSH_FLAG.rest);
    for (const isFailed of [false, true, false]) pushes.counted(rest, isFailed);
    pushes.endStage(14);
    const [span] = telemetry.spans;
    assert.equal(span!.definition, SPANS.clientPushRest);
    assert.deepEqual([attributeOf(span!, ATTRIBUTES.pushCount), attributeOf(span!, ATTRIBUTES.pushFailures)], [3, 1]);
    assert.equal(attributeOf(span!, ATTRIBUTES.errorType), 'dropped');
    assert.equal(span!.failure?.message, attributeOf(span!, ATTRIBUTES.errorMessage));
  });

  it('that stands for the rest of a fan-out has not failed where none of them did', () => {
    const { pushes, begin, telemetry } = setUp();
    pushes.counted(begin(1, 10, PUSH_FLAG.rest), false);
    pushes.endStage(14);
    assert.equal(telemetry.spans[0]!.failure, null);
  });

  it('much later begins a trace of its own that is linked', () => {
    const { pushes, recording, telemetry, context, client } = setUp();
    const link = recording.messages.linkTo(context.bytes);
    const handle = pushes.beginLinked(PUSH_FLAG.late, 0, client, 0, link, 10, recording.head.threshold);
    pushes.waited(handle, 5000);
    const own = messageContext();
    pushes.identity(handle, own.words);
    pushes.endStage(11);
    const [span] = telemetry.spans;
    assert.deepEqual([span!.traceId, span!.parent, span!.isEntry], [traceIdOf(own.bytes), { type: 'none' }, true]);
    assert.notEqual(span!.traceId, traceIdOf(context.bytes));
    assert.deepEqual(
      span!.links.map(({ traceId }) => traceId),
      [traceIdOf(context.bytes)],
    );
    assert.equal(attributeOf(span!, ATTRIBUTES.waitedMs), 5000);
  });

  it('that begins a trace is counted as one, and as a failed one if it fails; any other is part of one that was counted', () => {
    const { pushes, recording, begin, context, client, metrics } = setUp(2);
    const link = recording.messages.linkTo(context.bytes);
    const linked = () => pushes.beginLinked(PUSH_FLAG.late, 1, client, 0, link, 10, recording.head.threshold);
    pushes.dropped(begin(0), PUSH_FLAG.droppedQueueFull);
    pushes.endStage(11);
    assert.deepEqual([metrics.value(traces), metrics.value(traceErrors)], [0, 0]);
    pushes.dropped(linked(), PUSH_FLAG.droppedTooLarge);
    pushes.endStage(12);
    const refused = linked();
    pushes.sent(refused, 1);
    pushes.sent(linked(), 2);
    assert.equal(linked(), 0);
    pushes.acknowledged(refused, 0x97, 13);
    pushes.endAcknowledged();
    // What failed of the refused one is not its first span.
    assert.deepEqual([metrics.value(traces), metrics.value(traceErrors)], [3, 1]);
  });

  it('that took longer than the ring lasts says that it no longer knows to whom it went', () => {
    const { pushes, begin, recording, telemetry } = setUp();
    const handle = begin();
    pushes.sent(handle, 1);
    pushes.endStage(12);
    for (let words = 0; words < 200_000; words += 600) recording.texts.once('x'.repeat(4096));
    pushes.acknowledged(handle, 0, 20);
    pushes.endAcknowledged();
    assert.equal(attributeOf(telemetry.spans[0]!, ATTRIBUTES.mqttClientId), '(overwritten)');
  });
});

describe('deliveries under way', () => {
  it('beyond the limit are not recorded, and counted', () => {
    const { pushes, begin, metrics } = setUp(4);
    const handles = Array.from({ length: 4 }, () => begin());
    for (const handle of handles) pushes.sent(handle, 1);
    assert.equal(begin(), 0);
    assert.equal(metrics.value(poolFull), 1);
    pushes.endStage(12);
    pushes.acknowledged(handles[0]!, 0, 13);
    pushes.endAcknowledged();
    assert.notEqual(begin(), 0);
    const none = new Uint32Array(6).fill(1);
    pushes.identity(0, none);
    assert.deepEqual([...none], [0, 0, 0, 0, 0, 0]);
  });

  it('of a stage larger than the limit make room when they wait for nothing, but the rest of a fan-out goes on counting', () => {
    const { pushes, begin, telemetry, metrics } = setUp(4);
    const rest = begin(0, 10, PUSH_FLAG.rest);
    for (let index = 0; index < 100; index += 1) {
      assert.notEqual(begin(0), 0);
      pushes.counted(rest, false);
    }
    pushes.endStage(12);
    assert.equal(telemetry.spans.length, 101);
    const ofRest = telemetry.spans.find(({ definition }) => definition === SPANS.clientPushRest)!;
    assert.equal(attributeOf(ofRest, ATTRIBUTES.pushCount), 100);
    assert.deepEqual([pushes.open, metrics.value(poolFull)], [0, 0]);
  });

  it('are all recorded once, with as many spans as were counted, whatever happens to them in whatever order', () => {
    const action = fc.record({
      what: fc.constantFrom(
        'begin',
        'begin',
        'begin',
        'send',
        'drop',
        'receive',
        'ack',
        'ack',
        'disconnect',
        'endStage',
        'endAcknowledged',
      ),
      which: fc.nat(20),
      qos: fc.integer({ min: 0, max: 2 }),
      code: fc.constantFrom(0, 0x10, 0x80, 0x97),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const { pushes, begin, recording, telemetry, metrics } = setUp(6);
        const handles: number[] = [];
        let begun = 0;
        let at = 100;
        for (const { what, which, qos, code } of actions) {
          at += 1;
          const handle = handles[which % Math.max(1, handles.length)] ?? 0;
          if (what === 'begin') {
            handles.push(begin(qos, at));
            if (handles.at(-1) !== 0) begun += 1;
          } else if (what === 'send') pushes.sent(handle, which);
          else if (what === 'drop') pushes.dropped(handle, PUSH_FLAG.droppedQueueFull);
          else if (what === 'receive') pushes.received(handle, at);
          else if (what === 'ack') pushes.acknowledged(handle, code, at);
          else if (what === 'disconnect') pushes.disconnected(handle, at);
          else if (what === 'endStage') pushes.endStage(at);
          else pushes.endAcknowledged();
        }
        pushes.endStage(at);
        pushes.endAcknowledged();
        for (const handle of handles) pushes.disconnected(handle, at);
        const { spans } = telemetry;
        assert.equal(pushes.open, 0);
        assert.equal(spans.filter(({ definition }) => definition === SPANS.clientPush).length, begun);
        assert.equal(begun + metrics.value(poolFull), handles.length);
        assert.equal(spans.length, recording.recordedSpans);
        assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
        for (const { startedAt, endedAt } of spans) assert.ok(startedAt >= 100 && endedAt >= startedAt);
      }),
      { numRuns: 200 },
    );
  });
});
