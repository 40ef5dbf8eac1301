import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { GROUP, nextTurn, PERSISTENT, startGroup, TWO_SHARDS, texts } from '../testing/group-scene.ts';
import { textOf } from '../testing/packet-stream.ts';
import { TestClock } from '../testing/test-clock.ts';

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

describe('a restored shared group', () => {
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

  it('keeps over a crash what passing members held since the last checkpoint, though others got newer messages', async () => {
    await using broker = await BrokerUnderTest.start();
    const staying = await broker.connect('staying', PERSISTENT);
    const passing = await broker.connect('passing', { expirySeconds: 0 });
    for (const client of [passing, staying]) await broker.subscribe(client, GROUP, { qos: 2 });
    await broker.assembly.checkpoint.take();
    for (const [text, qos] of [
      ['acknowledged', 1],
      ['a', 1],
      ['held', 1],
      ['b', 1],
      ['held at QoS 2', 2],
      ['c', 1],
    ] as const)
      broker.publish('a', text, { qos });
    await broker.settle();
    const [first, ...held] = passing.take();
    broker.answer(passing, first!);
    for (const packet of staying.take()) broker.answer(staying, packet);
    assert.equal(held.length, 2);
    await broker.settle();
    await broker.crash();
    const again = await broker.connect('staying', PERSISTENT);
    await broker.settle();
    assert.deepEqual(texts(again), ['held']);
  });

  for (const [how, end] of [
    ['a clean start', (broker: BrokerUnderTest) => broker.connect('member-0', { cleanStart: true })],
    [
      'a session that is to end with its connection from now on',
      (broker: BrokerUnderTest) => broker.connect('member-0', {}),
    ],
    [
      'its expiry',
      async (broker: BrokerUnderTest) => {
        broker.clock.advanceSeconds(1001);
        broker.assembly.lifecycle.tick(broker.clock.now());
        await broker.settle();
      },
    ],
  ] as const)
    it(`keeps over a crash what a member held whose session was ended by ${how} behind the last checkpoint`, async () => {
      const { broker, one, two } = await startGroup(2);
      await using _ = broker;
      broker.publish('durable', 'held', { qos: 1 });
      await broker.settle();
      two.saturated = true;
      await broker.assembly.checkpoint.take();
      one.close(CLOSE_REASONS.clientClosed);
      await broker.settle();
      await end(broker);
      await broker.crash();
      const other = await broker.connect('member-1', PERSISTENT);
      await broker.settle();
      assert.deepEqual(texts(other), ['held']);
    });

  it('keeps over a crash what another member has from one that is away, and that one does not get it', async () => {
    const { broker, one, two } = await startGroup(2);
    await using _ = broker;
    broker.publish('durable', 'held', { qos: 1 });
    await broker.settle();
    await broker.assembly.checkpoint.take();
    one.close(CLOSE_REASONS.clientClosed);
    await broker.settle();
    assert.deepEqual(texts(two), ['held']);
    await broker.crash();
    const second = await broker.connect('member-1', PERSISTENT);
    const first = await broker.connect('member-0', PERSISTENT);
    await broker.settle();
    assert.deepEqual(
      second.takeMessages().map((packet) => [textOf(packet), packet.duplicate]),
      [['held', true]],
    );
    assert.deepEqual(texts(first), []);
  });

  it('leaves with one member what a crash found with two, and that is the one at QoS 2', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'sessions.broker-1');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    using _ = controlled;
    const { store, lifecycle, shared } = broker.assembly;
    const one = await broker.connect('one', PERSISTENT);
    await broker.subscribe(one, GROUP, { qos: 1 });
    broker.publish('a', 'x', { qos: 2 });
    await broker.assembly.ingests[0]!.idle();
    assert.deepEqual(texts(one), ['x']);
    await nextTurn();
    controlled.settle('commit');
    one.close(CLOSE_REASONS.clientClosed);
    const two = await broker.connect('two', PERSISTENT);
    await broker.subscribe(two, GROUP, { qos: 2 });
    lifecycle.serve(two.session!);
    await shared.idle();
    // Its record is durable before the note that the message was taken from the other.
    await store.save(two.session!);
    assert.equal(two.session!.window.count, 1);
    await nextTurn();
    assert.deepEqual(controlled.waiting, [1]);
    await broker.crash();
    controlled.settle('fail');
    const again = await broker.connect('one', PERSISTENT);
    const other = await broker.connect('two', PERSISTENT);
    await Promise.all([broker.assembly.catchUp.idle(), broker.assembly.shared.idle()]);
    assert.deepEqual([texts(again), texts(other)], [[], ['x']]);
  });
});
