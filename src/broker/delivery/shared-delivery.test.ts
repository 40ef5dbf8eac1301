import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { anyHistory, DeliveryHistory } from '../testing/delivery-history.ts';
import { GROUP, nextTurn, PERSISTENT, slowJournal, startGroup, TWO_SHARDS, texts } from '../testing/group-scene.ts';
import { textOf, withoutTrace } from '../testing/packet-stream.ts';

/** What members of a group got, all together: everything, and what came at QoS 2 once. */
function assertShared(history: DeliveryHistory): void {
  const got = history.subscribers.flatMap(({ received }) => received);
  const texts = new Set(got.map(({ text }) => text));
  assert.deepEqual([...texts].sort(), history.texts.sort());
  const once = got.filter(({ qos }) => qos === 2).map(({ text }) => text);
  assert.equal(new Set(once).size, once.length);
}

describe('a shared subscription', () => {
  const member = [{ filter: GROUP, qos: 2 }] as const;

  it('gives every message to one of its members, whatever happens to them, and at QoS 2 to no second one', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory(['durable/a', 'volatile/a'], 'checkpoint'), async (steps) => {
        await using broker = await BrokerUnderTest.start(TWO_SHARDS);
        const history = await DeliveryHistory.begin(broker, [member, member, member]);
        await history.play(steps);
        await history.end();
        assertShared(history);
      }),
      { numRuns: 150 },
    );
  });

  it('does so though the broker is killed', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory(['a', 'b'], 'checkpoint', 'kill'), async (steps) => {
        await using broker = await BrokerUnderTest.start();
        const history = await DeliveryHistory.begin(broker, [member, member, [{ filter: GROUP, qos: 1 }]]);
        await history.play(steps);
        await history.end();
        assertShared(history);
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

  it('goes on with a member that has many subscriptions beside', async () => {
    const { broker, one } = await startGroup(1, { expirySeconds: 1000 });
    await using _ = broker;
    for (const filter of ['$SYS/1', '$SYS/2', '$SYS/3']) await broker.subscribe(one, filter, { qos: 1 });
    one.saturated = true;
    broker.publish('a', '1', { qos: 1 });
    await broker.settle();
    assert.deepEqual(texts(one), []);
    broker.drain(one);
    await broker.settle();
    assert.deepEqual(texts(one), ['1']);
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
    const lost = broker.spansNamed('mqtt/publish').at(-1)!;
    const failed = broker.spansNamed('client/push').filter(({ failure }) => failure !== null);
    assert.deepEqual(
      failed.map(({ traceId, attributes }) => [
        traceId,
        attributes.find(({ definition }) => definition === ATTRIBUTES.dropReason)?.value,
      ]),
      [[lost.traceId, 'no_subscriber']],
    );
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

  it('gives what a member had not acknowledged to another while it is away, in order and before newer messages', async () => {
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
    two.saturated = true;
    one.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', '5', { qos: 1 });
    await broker.settle();
    broker.drain(two);
    await broker.settle();
    assert.deepEqual(texts(two), ['1', '3', '5']);
    const back = await broker.connect('member-0', PERSISTENT);
    await broker.settle();
    assert.deepEqual([texts(back), back.session!.window.count], [[], 0]);
  });

  it('sends it again to the member itself where that comes back first, as it was [MQTT-4.4.0-1]', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    two.close(CLOSE_REASONS.clientClosed);
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    const sent = one.takeMessages();
    one.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', '3', { qos: 1 });
    await broker.settle();
    const back = await broker.connect('member-0', PERSISTENT);
    const other = await broker.connect('member-1', PERSISTENT);
    await broker.settle();
    const repeated = back.takeMessages();
    assert.deepEqual(
      repeated.slice(0, 2).map(withoutTrace),
      sent.map((packet) => ({ ...withoutTrace(packet), duplicate: true })),
    );
    assert.deepEqual([...repeated.slice(2).map(textOf), ...texts(other)], ['3']);
  });

  it('keeps for a member that is away a QoS 2 message that was on its way [MQTT-4.8.2-4]', async () => {
    await using broker = await BrokerUnderTest.start();
    const [one, two] = [await broker.connect('one', PERSISTENT), await broker.connect('two', PERSISTENT)];
    for (const client of [one, two]) await broker.subscribe(client, GROUP, { qos: 2 });
    broker.publish('a', '1', { qos: 2 });
    await broker.settle();
    const [sent] = one.takeMessages();
    one.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    await broker.crash();
    const other = await broker.connect('two', PERSISTENT);
    await broker.settle();
    assert.deepEqual(texts(other), []);
    const back = await broker.connect('one', PERSISTENT);
    await broker.settle();
    assert.deepEqual(back.takeMessages().map(withoutTrace), [{ ...withoutTrace(sent!), duplicate: true }]);
  });

  it('leaves with a member that unsubscribes what was sent to it [MQTT-3.10.4-3]', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.deepEqual([texts(one), texts(two)], [['1'], ['2']]);
    broker.assembly.router.unsubscribe(one.session!, GROUP);
    one.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    const back = await broker.connect('member-0', PERSISTENT);
    await broker.settle();
    assert.deepEqual([texts(back), texts(two)], [['1'], []]);
    broker.assembly.router.unsubscribe(back.session!, GROUP);
    await broker.connect('member-0', { ...PERSISTENT, cleanStart: true });
    await broker.settle();
    assert.deepEqual(texts(two), ['1'], 'until its session ends');
  });

  it('goes on with a member that is back and takes nothing of what was to be sent again', async () => {
    const { journal, hold, release } = slowJournal();
    const { broker, one } = await startGroup(1, PERSISTENT, journal);
    await using _ = broker;
    broker.publish('a', 'a long message'.repeat(10), { qos: 1 });
    await broker.settle();
    one.close(CLOSE_REASONS.clientClosed);
    broker.publish('a', '2', { qos: 1 });
    await broker.settle();
    hold();
    const back = await broker.connect('member-0', { ...PERSISTENT, maximumPacketSize: 100 });
    await nextTurn();
    release();
    await broker.settle();
    assert.deepEqual(texts(back), ['2']);
  });

  it('leaves a message with a member that comes back while it is read for another', async () => {
    const { journal, hold, release } = slowJournal();
    const { broker, one, two } = await startGroup(2, PERSISTENT, journal);
    await using _ = broker;
    broker.publish('durable', '1', { qos: 1 });
    await broker.settle();
    assert.deepEqual(texts(one), ['1']);
    hold();
    one.close(CLOSE_REASONS.clientClosed);
    const back = await broker.connect('member-0', PERSISTENT);
    release();
    await broker.settle();
    assert.deepEqual([texts(back), texts(two)], [['1'], []]);
  });

  it('gives what comes back while newer messages are read before those', async () => {
    const { journal, hold, release } = slowJournal();
    const { broker, one, two } = await startGroup(2, PERSISTENT, journal);
    await using _ = broker;
    broker.publish('durable', '1', { qos: 1 });
    await broker.settle();
    for (const client of [one, two]) client.saturated = true;
    broker.publish('durable', '2', { qos: 1 });
    await broker.settle();
    hold();
    broker.drain(two);
    one.close(CLOSE_REASONS.clientClosed);
    release();
    await broker.settle();
    assert.deepEqual([texts(one), texts(two)], [['1'], ['1', '2']]);
  });

  it('takes no turns from a member that is away, and gives it its turns when it is back', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    one.close(CLOSE_REASONS.clientClosed);
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    const back = await broker.connect('member-0', PERSISTENT);
    for (const text of ['3', '4', '5', '6']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    assert.deepEqual([texts(two).length, texts(back).length], [4, 2]);
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
    const [short] = broker.spansNamed('mqtt/publish');
    const [expired, more] = broker.spansNamed('client/push').filter(({ failure }) => failure !== null);
    assert.equal(more, undefined);
    assert.equal(expired!.traceId, short!.traceId);
    const keys = expired!.attributes.map(({ definition }) => definition.key);
    assert.ok(keys.includes('robustmq.drop.reason') && !keys.includes('mqtt.client_id'));
  });

  it('does not stop while a member has room, though one shard fell behind while another was read', async () => {
    const { journal, hold, release } = slowJournal('volatile');
    await using broker = await BrokerUnderTest.start(TWO_SHARDS, { journal });
    const client = await broker.connect('c');
    await broker.subscribe(client, GROUP, { qos: 1 });
    client.saturated = true;
    broker.publish('volatile/a', '1', { qos: 1 });
    await broker.settle();
    hold();
    broker.drain(client);
    client.saturated = true;
    broker.publish('durable', '2', { qos: 1 });
    for (const ingest of broker.assembly.ingests) await ingest.idle();
    broker.drain(client);
    release();
    await broker.settle();
    assert.deepEqual(texts(client), ['1', '2']);
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
