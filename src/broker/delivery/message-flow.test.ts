import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { RecordView } from '../../journal/record-batch.ts';
import { everythingFrom, payloadOf } from '../../journal/testing/records.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import type { FinishedSpan } from '../../telemetry/finished-span.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { publisherOf } from '../session/session.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { textOf } from '../testing/packet-stream.ts';
import { TestClock } from '../testing/test-clock.ts';

async function stored(broker: BrokerUnderTest, shard = 'default') {
  return (await broker.journal.read(shard, everythingFrom(0))).entries;
}

describe('the flow of messages', () => {
  it('stores QoS 1 and 2 before anybody gets them, and QoS 0 never', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    for (const qos of [0, 1, 2] as const) broker.publish('a', String(qos), { qos });
    broker.assembly.turn.end();
    assert.deepEqual([client.takeMessages().map(textOf), controlled.waiting], [['0'], [2]]);
    controlled.settle('commit');
    await broker.settle();
    assert.deepEqual(client.takeMessages().map(textOf), ['1', '2']);
    assert.deepEqual((await stored(broker)).map(payloadOf), ['1', '2']);
  });

  it('names the publisher in the record, and its packet identifier at QoS 2', async () => {
    await using broker = await BrokerUnderTest.start();
    const { session } = await broker.connect('c');
    broker.publish('a', 'x', { qos: 2, publisher: session!, packetId: 9 });
    broker.publish('a', 'of the broker itself', { qos: 1 });
    await broker.settle();
    const [first, second] = (await stored(broker)).map(({ buffer, position }) => new RecordView().at(buffer, position));
    assert.deepEqual([publisherOf(first!), first!.packetId, publisherOf(second!)], [session!.number, 9, 0]);
  });

  it('stores a topic where its rule says', async () => {
    await using broker = await BrokerUnderTest.start({
      'topic_rules.0.filter': 'volatile/#',
      'topic_rules.0.durable': false,
    });
    broker.publish('volatile/a', 'v', { qos: 1 });
    broker.publish('other', 'd', { qos: 1 });
    await broker.settle();
    assert.deepEqual((await stored(broker)).map(payloadOf), ['d']);
    assert.deepEqual((await stored(broker, 'volatile')).map(payloadOf), ['v']);
  });

  it('gives nobody a message that the journal did not take', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    broker.publish('a', 'x', { qos: 1, retain: true });
    broker.assembly.turn.end();
    controlled.settle('fail');
    await broker.settle();
    assert.deepEqual([client.takeMessages(), broker.assembly.retained.count], [[], 0]);
    for (const name of ['storage/persist', 'mqtt/publish']) {
      const [span] = broker.spansNamed(name);
      const type = span?.attributes.find(({ definition }) => definition.key === 'error.type')?.value;
      assert.deepEqual([type, span?.failure?.thrown?.type], ['storage_failed', 'JournalError.no_space']);
    }
    assert.equal(broker.telemetry.logLines.filter(({ level }) => level === 'error').length, 1);
  });

  it('keeps a retained message when it is stored, for those who come later', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('a/1', 'x', { qos: 1, retain: true });
    broker.publish('a/0', 'x', { retain: true });
    broker.publish('b', 'x', { qos: 1 });
    await broker.settle();
    assert.deepEqual([...broker.assembly.retained.matching('#')].sort(), ['a/0', 'a/1']);
    broker.publish('a/1', '', { qos: 1, retain: true });
    await broker.settle();
    assert.deepEqual([...broker.assembly.retained.matching('#')], ['a/0']);
  });

  it('does not deliver what had expired before it was stored, but answers for it', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    broker.publish('a', 'x', { qos: 1, expirySeconds: 1 });
    broker.assembly.turn.end();
    broker.clock.advanceSeconds(2);
    controlled.settle('commit');
    await broker.settle();
    assert.deepEqual(client.takeMessages(), []);
    assert.equal(broker.assembly.ingests[0]!.dispatchedEnd, 1);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 1);
    const [publish] = broker.spansNamed('mqtt/publish');
    const [push, more] = broker.spansNamed('client/push');
    assert.equal(more, undefined);
    assert.deepEqual([push!.traceId, push!.parent], [publish!.traceId, { type: 'remote', spanId: publish!.spanId }]);
    const attributes = attributesOf(push);
    assert.equal(attributes.get(ATTRIBUTES.dropReason), 'expired');
    assert.equal(attributes.get(ATTRIBUTES.errorType), 'dropped');
    assert.equal(attributes.get(ATTRIBUTES.mqttClientId), 'c');
  });

  it('counts what had expired for each who would have got it now, and tells of it once', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    for (const id of ['one', 'two']) await broker.subscribe(await broker.connect(id), 'a');
    const member = await broker.connect('member');
    await broker.subscribe(member, '$share/g/a');
    // Of a publisher that wants nothing of its own, and of who is away and would have got it at QoS 0, nothing is lost.
    await broker.subscribe(member, 'a', { noLocal: true });
    const away = await broker.connect('away', { expirySeconds: 100 });
    await broker.subscribe(away, 'a', { qos: 0 });
    away.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', 'x', { qos: 1, expirySeconds: 1, publisher: member.session! });
    broker.publish('nobody', 'x', { qos: 1, expirySeconds: 1 });
    broker.assembly.turn.end();
    broker.clock.advanceSeconds(2);
    controlled.settle('commit');
    await broker.settle();
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 3);
    const pushes = broker.spansNamed('client/push');
    assert.equal(pushes.length, 1);
    assert.equal(attributesOf(pushes[0]).has(ATTRIBUTES.mqttClientId), false);
  });

  for (const qos of [0, 1] as const)
    it(`delivers a QoS ${qos} message that it may not retain, and its trace says so`, async () => {
      await using broker = await BrokerUnderTest.start({ 'mqtt.max_retained_messages': 1 });
      const client = await broker.connect('c');
      await broker.subscribe(client, 'b');
      for (const topic of ['a', 'b']) broker.publish(topic, 'x', { qos, retain: true });
      await broker.settle();
      for (const packet of client.take()) broker.answer(client, packet);
      const [, refused] = broker.spansNamed('mqtt/publish');
      const [retain, more] = broker.spansNamed('message/retain');
      assert.equal(more, undefined);
      assert.deepEqual(
        [retain!.traceId, retain!.parent],
        [refused!.traceId, { type: 'remote', spanId: refused!.spanId }],
      );
      assert.equal(attributesOf(retain).get(ATTRIBUTES.dropReason), 'quota');
      assert.ok(retain!.failure);
      assert.equal(broker.spansNamed('client/push').length, 1);
    });

  it('tells when a retained message could not be kept, though it was delivered', async () => {
    const placement = new MemoryPlacement();
    await using broker = await BrokerUnderTest.start({}, { placement });
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    await placement.close();
    broker.publish('a', 'x', { qos: 1, retain: true });
    for (const ingest of broker.assembly.ingests) await ingest.idle();
    assert.deepEqual(client.takeMessages().map(textOf), ['x']);
    const [span] = broker.spansNamed('mqtt/publish');
    assert.ok(span?.failure);
  });

  it('shows the way of a stored message: matching, persisting, pushing', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a');
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    for (const packet of client.take()) broker.answer(client, packet);
    const [publish] = broker.spansNamed('mqtt/publish');
    const below = ({ spanId }: FinishedSpan) =>
      broker.spans
        .filter(({ parent }) => parent.type === 'local' && parent.spanId === spanId)
        .map(({ definition }) => definition.name)
        .sort();
    assert.deepEqual(below(publish!), [
      'auth/validate',
      'client/push',
      'storage/persist',
      'subscription/match',
      'topic/authorize',
    ]);
    const [persist] = broker.spansNamed('storage/persist');
    assert.deepEqual(below(persist!), ['cluster/route', 'metadata/query']);
  });
});
