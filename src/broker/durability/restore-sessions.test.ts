import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { textOf } from '../testing/packet-stream.ts';

const PERSISTENT = { expirySeconds: 1000 };
const TWO_SHARDS = { 'topic_rules.0.filter': 'volatile/#', 'topic_rules.0.durable': false };

describe('a restored session', () => {
  it('has its subscriptions with their options, and gets what they want', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a/#', { qos: 1, noLocal: true, retainAsPublished: true }, 7);
    await broker.crash();
    const again = await broker.connect('c', PERSISTENT);
    const [subscription] = broker.assembly.router.subscriptionsOf(again.session!);
    const { filter, qos, noLocal, retainAsPublished, identifiers } = subscription!;
    assert.deepEqual([filter, qos, noLocal, retainAsPublished, identifiers], ['a/#', 1, true, true, [7]]);
    broker.publish('a/b', 'x', { qos: 1, retain: true });
    await broker.settle();
    const [message] = again.takeMessages();
    assert.deepEqual([textOf(message!), message!.retain], ['x', true]);
  });

  it('expires by when its client left, or by the restart where that broke its connection', async () => {
    await using broker = await BrokerUnderTest.start();
    const gone = await broker.connect('gone', { expirySeconds: 100 });
    await broker.connect('connected', { expirySeconds: 100 });
    gone.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    broker.clock.advanceSeconds(60);
    await broker.crash();
    const { lifecycle } = broker.assembly;
    broker.clock.advanceSeconds(50);
    lifecycle.tick(broker.clock.now());
    assert.deepEqual([...lifecycle.sessions.keys()], ['connected']);
    broker.clock.advanceSeconds(50);
    lifecycle.tick(broker.clock.now());
    assert.equal(lifecycle.sessions.size, 0);
  });

  it('does not wait for what was on its way from memory, which is gone', async () => {
    await using broker = await BrokerUnderTest.start(TWO_SHARDS);
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, '#', { qos: 2 });
    broker.publish('volatile/1', 'sent', { qos: 1 });
    broker.publish('volatile/2', 'received', { qos: 2 });
    broker.publish('durable', 'kept', { qos: 1 });
    await broker.settle();
    const received = client.takeMessages().find(({ qos }) => qos === 2)!;
    broker.answer(client, received);
    await broker.settle();
    await broker.crash();
    const again = await broker.connect('c', PERSISTENT);
    await broker.settle();
    const packets = again.take();
    assert.deepEqual(
      packets.map((packet) => (packet.type === 'publish' ? textOf(packet) : [packet.type, received.packetId])).sort(),
      ['kept', ['pubrel', received.packetId]],
    );
    broker.publish('volatile/1', 'new', { qos: 1 });
    await broker.settle();
    assert.deepEqual(again.takeMessages().map(textOf), ['new']);
  });

  it('goes on with its packet identifiers', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    for (const packet of client.take()) broker.answer(client, packet);
    await broker.settle();
    await broker.crash();
    const again = await broker.connect('c', PERSISTENT);
    broker.publish('a', '3', { qos: 1 });
    await broker.settle();
    assert.deepEqual(
      again.takeMessages().map(({ packetId }) => packetId),
      [3],
    );
  });

  it('is one of its shared groups again, which go on where their members subscribed', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, '$share/g/a', { qos: 1 });
    client.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', 'waits', { qos: 1 });
    await broker.settle();
    await broker.crash();
    const again = await broker.connect('c', PERSISTENT);
    await broker.settle();
    assert.deepEqual(again.takeMessages().map(textOf), ['waits']);
  });
});
