import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import { METRICS, SPANS } from '../../telemetry/catalogue.ts';
import type { FinishedSpan } from '../../telemetry/finished-span.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { PUSH_SPANS } from '../../telemetry/records/run-recorder.ts';
import { LIVE } from '../session/session.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { textOf } from '../testing/packet-stream.ts';
import { TestClock } from '../testing/test-clock.ts';
import { takesVerbatim } from './pusher.ts';

const dropped = (reason: 'too_large' | 'queue_full') => counterId(METRICS.messagesDroppedTotal, reason);
const delivered = (qos: '0' | '1' | '2') => counterId(METRICS.messagesDeliveredTotal, qos);

function attribute(span: FinishedSpan | undefined, key: string): unknown {
  return span?.attributes.find(({ definition }) => definition.key === key)?.value;
}

describe('a message pushed to those who are there', () => {
  it('comes at the lower of the two QoS [MQTT-3.8.4-8], without the retain flag [MQTT-3.3.1-12]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    for (const qos of [0, 1, 2] as const) await broker.subscribe(client, `granted/${qos}`, { qos });
    for (const granted of [0, 1, 2])
      for (const qos of [0, 1, 2] as const) broker.publish(`granted/${granted}`, 'x', { qos, retain: true });
    await broker.settle();
    const got = client.takeMessages().map((packet) => `${packet.topic} ${packet.qos} ${packet.retain}`);
    const expected = [0, 1, 2].flatMap((granted) =>
      [0, 1, 2].map((qos) => `granted/${granted} ${Math.min(granted, qos)} false`),
    );
    assert.deepEqual(got.sort(), expected.sort());
    assert.deepEqual(
      (['0', '1', '2'] as const).map((qos) => broker.count(delivered(qos))),
      [5, 3, 1],
    );
  });

  it('keeps the retain flag where the subscription asks for it [MQTT-3.3.1-13]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { retainAsPublished: true });
    for (const retain of [true, false]) broker.publish('a', 'x', { retain });
    assert.deepEqual(
      client.takeMessages().map(({ retain }) => retain),
      [true, false],
    );
  });

  it('comes once, with every identifier, where subscriptions overlap [MQTT-3.3.4-2] [MQTT-3.3.4-4]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a/#', { qos: 0 }, 1);
    await broker.subscribe(client, 'a/b', { qos: 1 }, 2);
    broker.publish('a/b', 'x', { qos: 1 });
    await broker.settle();
    const messages = client.takeMessages();
    assert.deepEqual(
      messages.map(({ qos, properties }) => [qos, properties.subscriptionIdentifiers]),
      [[1, [1, 2]]],
    );
  });

  it('does not come back to its publisher where no local is asked for [MQTT-3.8.3-3]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1, noLocal: true });
    for (const qos of [0, 1] as const) {
      broker.publish('a', 'own', { qos, publisher: client.session! });
      broker.publish('a', 'other', { qos });
    }
    await broker.settle();
    assert.deepEqual(client.takeMessages().map(textOf), ['other', 'other']);
  });

  it('leaves a session that has no room behind, at exactly that message', async () => {
    await using broker = await BrokerUnderTest.start();
    const slow = await broker.connect('slow', { receiveMaximum: 2 });
    const quick = await broker.connect('quick');
    for (const client of [slow, quick]) await broker.subscribe(client, 'a', { qos: 1 });
    for (const text of ['1', '2', '3', '4']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    const shard = broker.assembly.shards.durable.number;
    assert.deepEqual([slow.session!.positions[shard], quick.session!.positions[shard]], [2, LIVE]);
    assert.deepEqual(slow.takeMessages().map(textOf), ['1', '2']);
    assert.deepEqual(quick.takeMessages().map(textOf), ['1', '2', '3', '4']);
  });

  it('is pushed at QoS 0 to a session whose window is full, for it takes no place there', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', { receiveMaximum: 1 });
    await broker.subscribe(client, 'one', { qos: 1 });
    await broker.subscribe(client, 'zero', { qos: 0 });
    broker.publish('one', '1', { qos: 1 });
    broker.publish('zero', '0', { qos: 1 });
    await broker.settle();
    assert.deepEqual(client.takeMessages().map(textOf), ['1', '0']);
  });

  it('that is larger than the client takes is dropped and counted, as if sent [MQTT-3.1.2-24] [MQTT-3.1.2-25]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', { maximumPacketSize: 20 });
    await broker.subscribe(client, 'a', { qos: 1 });
    for (const qos of [0, 1] as const) {
      broker.publish('a', 'x'.repeat(20), { qos });
      broker.publish('a', 'fits', { qos });
    }
    await broker.settle();
    assert.deepEqual(client.takeMessages().map(textOf), ['fits', 'fits']);
    assert.equal(broker.count(dropped('too_large')), 2);
    assert.equal(client.session!.positions[broker.assembly.shards.durable.number], LIVE);
  });

  it('is dropped and counted at QoS 0 when too much waits for the socket', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    client.full = true;
    broker.publish('a', 'lost');
    client.full = false;
    broker.publish('a', 'kept');
    assert.deepEqual(client.takeMessages().map(textOf), ['kept']);
    assert.equal(broker.count(dropped('queue_full')), 1);
  });

  it('leaves at QoS 2 to a persistent session only when the session log knows its identifier', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'sessions.broker-1');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const lasting = await broker.connect('lasting', { expirySeconds: 1000 });
    const passing = await broker.connect('passing');
    for (const client of [lasting, passing]) await broker.subscribe(client, 'a', { qos: 2 });
    broker.publish('a', 'x', { qos: 2 });
    for (const ingest of broker.assembly.ingests) await ingest.idle();
    broker.assembly.turn.end();
    assert.deepEqual(passing.takeMessages().map(textOf), ['x']);
    assert.deepEqual([lasting.takeMessages(), controlled.waiting], [[], [1]]);
    controlled.settle('commit');
    await broker.settle();
    assert.deepEqual(lasting.takeMessages().map(textOf), ['x']);
  });
});

describe('the spans of a fan-out', () => {
  it('are one for each of the first subscribers, and one for the rest that says how many', async () => {
    await using broker = await BrokerUnderTest.start();
    const subscribers = PUSH_SPANS + 8;
    for (let index = 0; index < subscribers; index += 1) {
      const client = await broker.connect(`client-${index}`);
      await broker.subscribe(client, 'a');
      if (index === subscribers - 1) client.full = true;
    }
    broker.publish('a', 'x');
    const pushes = broker.spansNamed('client/push');
    const rest = pushes.filter(({ definition }) => definition === SPANS.clientPushRest);
    assert.deepEqual([pushes.length, rest.length], [PUSH_SPANS + 1, 1]);
    assert.deepEqual([attribute(rest[0], 'robustmq.push.count'), attribute(rest[0], 'robustmq.push.failures')], [8, 1]);
    const [published] = broker.spansNamed('mqtt/publish');
    for (const { parent, traceId } of pushes) {
      assert.deepEqual(parent, { type: 'local', spanId: published!.spanId });
      assert.equal(traceId, published!.traceId);
    }
  });

  it('fail with the reason where the message was dropped', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    client.full = true;
    broker.publish('a', 'x');
    const [push] = broker.spansNamed('client/push');
    assert.ok(push?.failure);
    assert.equal(attribute(push, 'robustmq.drop.reason'), 'queue_full');
    assert.equal(attribute(push, 'mqtt.client_id'), 'c');
  });

  it('last in `delivery/confirm` until the client has acknowledged, or has gone', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1 });
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.equal(broker.spansNamed('delivery/confirm').length, 0);
    broker.clock.advanceSeconds(2);
    broker.answer(client, client.take()[0]!);
    client.close({ label: 'client_closed', reasonCode: undefined });
    const [confirmed, broken] = broker.spansNamed('delivery/confirm');
    assert.equal(confirmed!.endedAt - confirmed!.startedAt, 2000);
    assert.deepEqual([confirmed!.failure, attribute(broken, 'error.type')], [null, 'disconnected']);
    const push = broker.spansNamed('client/push').find(({ traceId }) => traceId === confirmed!.traceId);
    assert.deepEqual(confirmed!.parent, { type: 'local', spanId: push!.spanId });
  });
});

describe('the bytes of an MQTT 3.1.1 publisher', () => {
  it('are right as they are for a subscriber of that version, unless it hears itself and asked not to', async () => {
    await using broker = await BrokerUnderTest.start();
    const old = await broker.connect('old', { version: 4 });
    const recent = await broker.connect('recent');
    for (const client of [old, recent]) await broker.subscribe(client, 'a', { noLocal: true });
    const topic = broker.assembly.topics.intern(Buffer.from('a'), 0, 1);
    const [first, second] = broker.assembly.router.match(topic).members;
    assert.deepEqual([takesVerbatim(first!, 0), takesVerbatim(second!, 0)], [true, false]);
    assert.equal(takesVerbatim(first!, old.session!.number), false);
    const packet = { type: 'publish', topic: 'a', qos: 0, retain: false, duplicate: false, packetId: 0 } as const;
    const verbatim = encodePacket({ ...packet, payload: Buffer.from('x'), properties: {} }, 4);
    broker.publish('a', 'x');
    assert.deepEqual(encodePacket(old.takeMessages()[0]!, 4), verbatim);
  });
});
