import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import { decodeSessionRecord } from '../session/session-record.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { replacing } from '../testing/replacing.ts';

const PERSISTENT = { expirySeconds: 1000 };

async function recordOf(broker: BrokerUnderTest, clientId: string) {
  const entry = await broker.placement.get(sessionRecords.key(clientId));
  return entry && decodeSessionRecord(entry.value);
}

describe('a session in placement', () => {
  it('is all that must survive: subscriptions, positions, what is in flight either way, will', async () => {
    await using broker = await BrokerUnderTest.start();
    const { store, acks, shards, ingests } = broker.assembly;
    const will = { topic: 'w', payload: Buffer.from('x'), qos: 1 as const, retain: true, properties: {} };
    const client = await broker.connect('c', { ...PERSISTENT, will });
    const session = client.session!;
    await broker.subscribe(client, 'a/#', { qos: 2, noLocal: true, retainAsPublished: true }, 7);
    for (const qos of [1, 2, 2] as const) broker.publish('a/b', 'x', { qos });
    session.inbound.add(9);
    broker.publish('elsewhere', 'x', { qos: 2, publisher: session, packetId: 9 });
    await broker.settle();
    acks.acknowledge(client, PacketType.pubrec, 2, ReasonCode.success);
    await store.save(session);
    const shard = shards.durable.number;
    const record = await recordOf(broker, 'c');
    assert.deepEqual(record?.state, { type: 'connected' });
    assert.deepEqual(
      record?.inflight.map(({ packetId, qos, state, offset }) => [packetId, qos, state, offset]),
      [
        [1, 1, 'sent', 0],
        [3, 2, 'sent', 2],
        [2, 2, 'received', 1],
      ],
    );
    assert.deepEqual(record?.inbound, [{ packetId: 9, shard, offset: 3 }]);
    assert.deepEqual(
      record?.positions,
      ingests.map((ingest) => [ingest.shard.number, ingest.dispatchedEnd]),
    );
    const [subscription] = record!.subscriptions;
    assert.deepEqual(subscription, {
      ...{ filter: 'a/#', qos: 2, noLocal: true, retainAsPublished: true, identifier: 7 },
      since: ingests.map((ingest) => [ingest.shard.number, 0]),
    });
    assert.deepEqual([record?.nextPacketId, record?.number, record?.expirySeconds], [4, session.number, 1000]);
    assert.deepEqual([record?.will?.topic, record?.will?.retain], ['w', true]);
  });

  it('says since when its client is away, and where it has to read on', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    client.close({ label: 'client_closed', reasonCode: undefined });
    broker.publish('a', 'y', { qos: 1 });
    await broker.settle();
    const record = await recordOf(broker, 'c');
    assert.deepEqual(record?.state, { type: 'disconnected', at: broker.clock.now() });
    assert.equal(new Map(record?.positions).get(broker.assembly.shards.durable.number), 1);
  });

  it('is written once for all that a turn brings, as it is then', async () => {
    await using broker = await BrokerUnderTest.start();
    const session = (await broker.connect('c', PERSISTENT)).session!;
    const revisions: number[] = [];
    broker.placement.watch(sessionRecords.prefix, ({ revision }) => revisions.push(revision));
    const saves = [1, 2, 3].map((seconds) => {
      session.expirySeconds = seconds;
      return broker.assembly.store.save(session);
    });
    await Promise.all(saves);
    assert.deepEqual([revisions.length, (await recordOf(broker, 'c'))?.expirySeconds], [1, 3]);
    await broker.assembly.store.save(session);
    assert.equal(revisions.length, 2);
  });

  it('that cannot be written stays to be written', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    const session = client.session!;
    session.dirty = true;
    await broker.assembly.store.save(session);
    assert.equal(session.dirty, false);
    await broker.placement.close();
    await assert.rejects(broker.assembly.store.save(session));
    assert.equal(session.dirty, true);
  });

  it('stays as it is while it is held, and is not stored when its session has ended meanwhile', async () => {
    await using broker = await BrokerUnderTest.start();
    const { store } = broker.assembly;
    const session = (await broker.connect('c', PERSISTENT)).session!;
    const before = await recordOf(broker, 'c');
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.hold('c', until);
    session.expirySeconds = 77;
    const saved = store.save(session);
    assert.deepEqual(await recordOf(broker, 'c'), before);
    release();
    await saved;
    assert.equal((await recordOf(broker, 'c'))?.expirySeconds, 77);
    store.hold('c', Promise.reject(new Error('whatever it was has failed')));
    const [late, removed] = [store.save(session), store.remove(session)];
    session.end();
    await Promise.all([late, removed, store.idle()]);
    assert.equal(await recordOf(broker, 'c'), undefined);
  });

  it('that cannot be removed is removed by the next attempt', async () => {
    const memory: Placement = new MemoryPlacement();
    let full = false;
    const placement = replacing<Placement>(memory, {
      write: (changes, context) =>
        full ? Promise.reject(new Error('the disk is full')) : memory.write(changes, context),
    });
    await using broker = await BrokerUnderTest.start({}, { placement });
    const { store } = broker.assembly;
    const session = (await broker.connect('c', PERSISTENT)).session!;
    full = true;
    await assert.rejects(store.remove(session), /full/);
    await assert.rejects(store.remove(session, Promise.reject(new Error('not noted'))), /not noted/);
    full = false;
    await store.remove(session);
    assert.equal(await recordOf(broker, 'c'), undefined);
  });

  it('is removed once, and only where it was stored', async () => {
    await using broker = await BrokerUnderTest.start();
    const stored = await broker.connect('stored', PERSISTENT);
    const passing = await broker.connect('passing');
    const { store } = broker.assembly;
    await store.remove(passing.session!);
    await store.remove(stored.session!);
    assert.deepEqual(await broker.placement.list(sessionRecords.prefix), []);
    const revisions: number[] = [];
    broker.placement.watch(sessionRecords.prefix, ({ revision }) => revisions.push(revision));
    await store.remove(stored.session!);
    assert.deepEqual(revisions, []);
  });
});
