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
const GROUP = '$share/g/#';

const texts = (client: TestClient) => client.takeMessages().map(textOf);

async function startGroup(count: number, options = PERSISTENT) {
  const broker = await BrokerUnderTest.start(TWO_SHARDS);
  const members: TestClient[] = [];
  for (let index = 0; index < count; index += 1) {
    members.push(await broker.connect(`member-${index}`, options));
    await broker.subscribe(members[index]!, GROUP, { qos: 1 });
  }
  return { broker, members, one: members[0]!, two: members[1]! };
}

describe('a shared subscription', () => {
  it('gives every message to exactly one of its members, whatever happens to them', async () => {
    const member = [{ filter: GROUP, qos: 2 }] as const;
    await fc.assert(
      fc.asyncProperty(anyHistory(['durable/a', 'volatile/a'], 'checkpoint'), async (steps) => {
        await using broker = await BrokerUnderTest.start(TWO_SHARDS);
        const history = await DeliveryHistory.begin(broker, [member, member, member]);
        await history.play(steps);
        await history.end();
        const got = history.subscribers.flatMap(({ received }) => received.map(({ text }) => text));
        assert.deepEqual(got.sort(), history.texts.sort());
      }),
      { numRuns: 150 },
    );
  });

  it('lets its members take turns (MQTT 5 section 4.8.2)', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    for (const text of ['1', '2', '3', '4']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.deepEqual(
      [texts(one), texts(two)],
      [
        ['1', '3'],
        ['2', '4'],
      ],
    );
  });

  it('passes over a member that cannot take a message, and waits when none can', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    one.saturated = true;
    broker.publish('a', '1', { qos: 1 });
    await broker.settle();
    two.saturated = true;
    for (const text of ['2', '3']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.deepEqual([texts(one), texts(two)], [[], ['1']]);
    broker.drain(one);
    await broker.settle();
    assert.deepEqual([texts(one), texts(two)], [['2', '3'], []]);
  });

  it('gives QoS 0 messages to whoever is there, and counts those for which nobody is', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    one.saturated = true;
    for (const text of ['1', '2']) broker.publish('a', text);
    two.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', 'lost');
    assert.deepEqual([texts(one), texts(two)], [[], ['1', '2']]);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'no_subscriber')), 1);
  });

  it('gives what a member had not acknowledged to another when its session ends [MQTT-4.8.2-4]', async () => {
    const { broker, one, two } = await startGroup(2, { expirySeconds: 0 });
    await using _ = broker;
    for (const text of ['1', '2', '3']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.deepEqual(texts(one), ['1', '3']);
    one.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    assert.deepEqual(texts(two), ['2', '1', '3']);
  });

  it('gives a QoS 2 message that was on its way to nobody else [MQTT-4.8.2-5]', async () => {
    await using broker = await BrokerUnderTest.start();
    const [one, two] = [await broker.connect('one'), await broker.connect('two')];
    for (const client of [one, two]) await broker.subscribe(client, GROUP, { qos: 2 });
    broker.publish('a', '1', { qos: 2 });
    await broker.settle();
    assert.deepEqual(texts(one), ['1']);
    one.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    assert.deepEqual(texts(two), []);
  });

  it('is independent of another group with the same filter, and of plain subscriptions', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    for (const filter of ['$share/g/a', '$share/h/a', 'a']) await broker.subscribe(client, filter, { qos: 1 });
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    assert.deepEqual(texts(client), ['x', 'x', 'x']);
  });

  it('drops what has expired while it waited, and counts it', async () => {
    const { broker, one } = await startGroup(1);
    await using _ = broker;
    one.saturated = true;
    broker.publish('a', 'short', { qos: 1, expirySeconds: 5 });
    broker.publish('a', 'long', { qos: 1 });
    await broker.settle();
    broker.clock.advanceSeconds(6);
    broker.drain(one);
    await broker.settle();
    assert.deepEqual(texts(one), ['long']);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 1);
  });

  it('does not stop while a member has room, though one shard fell behind while another was read', async () => {
    const memory = new MemoryJournal({ clock: new TestClock() });
    let gate = Promise.resolve();
    const journal = replacing<Journal>(memory, {
      async read(shard, request) {
        if (shard === 'volatile') await gate;
        return memory.read(shard, request);
      },
    });
    await using broker = await BrokerUnderTest.start(TWO_SHARDS, { journal });
    const client = await broker.connect('c');
    await broker.subscribe(client, GROUP, { qos: 1 });
    client.saturated = true;
    broker.publish('volatile/a', '1', { qos: 1 });
    await broker.settle();
    let open = (): void => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    broker.drain(client);
    client.saturated = true;
    broker.publish('durable', '2', { qos: 1 });
    for (const ingest of broker.assembly.ingests) await ingest.idle();
    broker.drain(client);
    open();
    await broker.settle();
    assert.deepEqual(texts(client), ['1', '2']);
  });

  it('goes on where a crash found it', async () => {
    const { broker, one } = await startGroup(1);
    await using _ = broker;
    one.saturated = true;
    for (const text of ['1', '2']) broker.publish('durable', text, { qos: 1 });
    await broker.settle();
    await broker.assembly.checkpoint.take();
    await broker.crash();
    const again = await broker.connect('member-0', PERSISTENT);
    await broker.settle();
    assert.deepEqual(texts(again), ['1', '2']);
  });

  it('keeps over a crash what members held whose sessions the crash ended', async () => {
    const broker = await BrokerUnderTest.start(TWO_SHARDS);
    await using _ = broker;
    const staying = await broker.connect('staying', PERSISTENT);
    await broker.subscribe(staying, GROUP, { qos: 1 });
    staying.saturated = true;
    const passing = await broker.connect('passing', { expirySeconds: 0 });
    await broker.subscribe(passing, GROUP, { qos: 1 });
    broker.publish('a', 'held', { qos: 1 });
    await broker.settle();
    assert.deepEqual(texts(passing), ['held']);
    await broker.assembly.checkpoint.take();
    await broker.crash();
    const again = await broker.connect('staying', PERSISTENT);
    await broker.settle();
    assert.deepEqual(texts(again), ['held']);
  });

  it('says how far it is, and is forgotten when its last member unsubscribes', async () => {
    const { broker, one } = await startGroup(1);
    await using _ = broker;
    const { shared, router, shards } = broker.assembly;
    one.saturated = true;
    for (const text of ['1', '2']) broker.publish('durable', text, { qos: 1 });
    await broker.settle();
    const [progress] = shared.progress();
    assert.equal(progress?.filter, GROUP);
    assert.deepEqual(progress?.positions.find(([shard]) => shard === shards.durable.number)?.[1], 0);
    router.unsubscribe(one.session!, GROUP);
    assert.deepEqual(shared.progress(), []);
  });
});
