import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { Journal } from '../../journal/journal.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { anyHistory, DeliveryHistory } from '../testing/delivery-history.ts';
import { textOf } from '../testing/packet-stream.ts';
import { replacing } from '../testing/replacing.ts';
import type { TestClient } from '../testing/test-client.ts';
import { TestClock } from '../testing/test-clock.ts';

const PERSISTENT = { expirySeconds: 1000 };
const TWO_SHARDS = { 'topic_rules.0.filter': 'volatile/#', 'topic_rules.0.durable': false };

/** Takes what came and acknowledges it, until nothing more comes; returns the texts. */
async function takeAll(broker: BrokerUnderTest, client: TestClient): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    await broker.settle();
    const packets = client.take();
    if (packets.length === 0) return texts;
    for (const packet of packets) {
      if (packet.type === 'publish') texts.push(textOf(packet));
      broker.answer(client, packet);
    }
  }
}

/** Nothing is said of the order in which different subscriptions get their copies of a message. */
function eachInOrder<Copy extends { readonly identifiers: readonly number[] }>(copies: readonly Copy[]): Copy[] {
  return copies.toSorted(({ identifiers: [left = 0] }, { identifiers: [right = 0] }) => left - right);
}

describe('a session that reads on from the journal', () => {
  for (const copies of ['one', 'each'] as const)
    it(`gets every matching message exactly once (${copies}) and in order, whatever happens meanwhile`, async () => {
      const interests = [
        [{ filter: '#', qos: 1 }],
        [
          { filter: 'durable/+', qos: 2 },
          { filter: 'durable/a', qos: 1 },
        ],
        [
          { filter: 'volatile/#', qos: 2 },
          { filter: 'durable/b', qos: 1 },
        ],
      ] as const;
      const topics = ['durable/a', 'durable/b', 'volatile/a'];
      await fc.assert(
        fc.asyncProperty(anyHistory(topics, 'checkpoint'), async (steps) => {
          await using broker = await BrokerUnderTest.start({ ...TWO_SHARDS, 'mqtt.overlapping_subscriptions': copies });
          const history = await DeliveryHistory.begin(broker, interests);
          await history.play(steps);
          await history.end();
          for (const subscriber of history.subscribers)
            for (const root of ['durable/', 'volatile/'])
              for (const qos of [1, 2]) {
                const got = subscriber.received.filter(
                  (message) => message.text.startsWith(root) && message.qos === qos,
                );
                const expected = history.expected(subscriber, root).filter((message) => message.qos === qos);
                assert.deepEqual(eachInOrder(got), eachInOrder(expected));
              }
        }),
        { numRuns: 150 },
      );
    });

  it('gets what was published while it was away, and then lives on', async () => {
    await using broker = await BrokerUnderTest.start();
    const first = await broker.connect('c', PERSISTENT);
    await broker.subscribe(first, 'a', { qos: 1 });
    first.close({ label: 'client_closed', reasonCode: undefined });
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    broker.publish('elsewhere', 'not for it', { qos: 1 });
    await broker.settle();
    const second = await broker.connect('c', PERSISTENT);
    assert.deepEqual(await takeAll(broker, second), ['1', '2']);
    broker.publish('a', '3', { qos: 1 });
    assert.deepEqual(await takeAll(broker, second), ['3']);
  });

  it('costs no trial of every subscription with every message', async () => {
    const many = Array.from({ length: 10_000 }, (_, number) => `site/${number}/+`);
    await using broker = await BrokerUnderTest.start();
    const first = await broker.connect('c', PERSISTENT);
    const options = { qos: 1, noLocal: false, retainAsPublished: false, identifier: 0, since: [] };
    for (const filter of many) broker.assembly.router.subscribe(first.session!, filter, options);
    first.close({ label: 'client_closed', reasonCode: undefined });
    // With each of the 10,000 tried, these would take minutes.
    const sent = many.map((_, number) => `${number}`);
    for (const text of sent) broker.publish(`site/${text}/state`, text, { qos: 1 });
    await broker.settle();
    assert.deepEqual(await takeAll(broker, await broker.connect('c', PERSISTENT)), sent);
  });

  it('misses QoS 0 while it is away, at whichever side that was chosen', async () => {
    await using broker = await BrokerUnderTest.start();
    const first = await broker.connect('c', PERSISTENT);
    await broker.subscribe(first, 'granted/0', { qos: 0 });
    await broker.subscribe(first, 'granted/1', { qos: 1 });
    first.close({ label: 'client_closed', reasonCode: undefined });
    broker.publish('granted/0', 'missed', { qos: 1 });
    broker.publish('granted/1', 'missed', { qos: 0 });
    broker.publish('granted/1', 'kept', { qos: 1 });
    await broker.settle();
    assert.deepEqual(await takeAll(broker, await broker.connect('c', PERSISTENT)), ['kept']);
  });

  it('gets nothing that was published before it subscribed', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('b', 'before', { qos: 1 });
    await broker.settle();
    const first = await broker.connect('c', PERSISTENT);
    await broker.subscribe(first, 'a', { qos: 1 });
    first.close({ label: 'client_closed', reasonCode: undefined });
    broker.publish('b', 'between', { qos: 1 });
    await broker.settle();
    const second = await broker.connect('c', PERSISTENT);
    second.saturated = true;
    await broker.subscribe(second, 'b', { qos: 1 });
    broker.publish('b', 'after', { qos: 1 });
    await broker.settle();
    broker.drain(second);
    assert.deepEqual(await takeAll(broker, second), ['after']);
  });

  it('does not get its own messages back where it asked so [MQTT-3.8.3-3]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1, noLocal: true });
    client.saturated = true;
    broker.publish('a', 'own', { qos: 1, publisher: client.session! });
    broker.publish('a', 'other', { qos: 1 });
    await broker.settle();
    broker.drain(client);
    assert.deepEqual(await takeAll(broker, client), ['other']);
  });

  it('gets nothing that has expired meanwhile [MQTT-3.3.2-5], and of the rest what is left [MQTT-3.3.2-6]', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    client.saturated = true;
    broker.publish('a', 'short', { qos: 1, expirySeconds: 5 });
    broker.publish('a', 'long', { qos: 1, expirySeconds: 50 });
    await broker.settle();
    broker.clock.advanceSeconds(20);
    broker.drain(client);
    await broker.settle();
    const [message, ...others] = client.takeMessages();
    assert.deepEqual([textOf(message!), message!.properties.messageExpiryInterval, others], ['long', 30, []]);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 1);
  });

  it('counts what retention took before it came', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    client.close({ label: 'client_closed', reasonCode: undefined });
    for (const text of ['1', '2', '3']) {
      broker.publish('a', text, { qos: 1 });
      await broker.settle();
    }
    await broker.journal.trim('default', 2);
    assert.deepEqual(await takeAll(broker, await broker.connect('c', PERSISTENT)), ['3']);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'retention')), 2);
  });

  it('misses nothing of a filter that it subscribes to while it is being read for', async () => {
    const memory = new MemoryJournal({ clock: new TestClock() });
    const gate = Promise.withResolvers<void>();
    const journal = replacing<Journal>(memory, {
      read: async (shard, request) => {
        if (request.filters !== undefined) await gate.promise;
        return memory.read(shard, request);
      },
    });
    await using broker = await BrokerUnderTest.start({}, { journal });
    const first = await broker.connect('c', PERSISTENT);
    await broker.subscribe(first, 'old', { qos: 1 });
    first.close(CLOSE_REASONS.clientClosed);
    broker.publish('old', 'while it was away', { qos: 1 });
    await broker.settle();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'new', { qos: 1 });
    broker.publish('new', 'before it was read', { qos: 1 });
    for (const ingest of broker.assembly.ingests) await ingest.idle();
    gate.resolve();
    assert.deepEqual(await takeAll(broker, client), ['while it was away', 'before it was read']);
  });

  it('is closed, and nobody else, when the journal cannot be read', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    const other = await broker.connect('other', PERSISTENT);
    client.saturated = true;
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    await broker.journal.close();
    broker.drain(client);
    await broker.assembly.catchUp.idle();
    assert.deepEqual([client.closeReason?.label, other.closed], ['server_error', false]);
  });
});
