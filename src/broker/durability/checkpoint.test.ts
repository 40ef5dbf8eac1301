import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { Journal } from '../../journal/journal.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { STAGES } from '../../telemetry/stage.ts';
import { observationsOf } from '../../telemetry/testing/observations.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { decodeSessionRecord, type SessionRecord } from '../session/session-record.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { replacing } from '../testing/replacing.ts';
import { TestClock } from '../testing/test-clock.ts';
import { checkpointKey, decodeMarker } from './checkpoint.ts';

const PERSISTENT = { expirySeconds: 1000 };

async function recordOf(broker: BrokerUnderTest, clientId: string): Promise<SessionRecord | undefined> {
  const entry = await broker.placement.get(sessionRecords.key(clientId));
  return entry && decodeSessionRecord(entry.value);
}

async function markerOf(broker: BrokerUnderTest) {
  return decodeMarker((await broker.placement.get(checkpointKey(broker.config.node.id)))?.value);
}

describe('a checkpoint', () => {
  it('stores what changed in persistent sessions, and what has not changed not again', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await broker.connect('idle', PERSISTENT);
    await broker.connect('passing');
    await broker.subscribe(client, 'a', { qos: 1 });
    await broker.assembly.checkpoint.take();
    const before = await broker.placement.get(sessionRecords.key('idle'));
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    await broker.assembly.checkpoint.take();
    const record = await recordOf(broker, 'c');
    assert.deepEqual(
      record?.inflight.map(({ packetId, qos, state, offset }) => [packetId, qos, state, offset]),
      [[1, 1, 'sent', 0]],
    );
    assert.equal((await broker.placement.get(sessionRecords.key('idle')))?.revision, before?.revision);
    assert.equal(await recordOf(broker, 'passing'), undefined);
  });

  it('says where replay begins, and lets the session log go up to there', async () => {
    await using broker = await BrokerUnderTest.start();
    const { checkpoint, shards, sessionLog } = broker.assembly;
    assert.deepEqual(await markerOf(broker), { sessionLog: 0, shards: [], groups: [] });
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    await checkpoint.take();
    const marker = await markerOf(broker);
    assert.equal(marker.sessionLog, sessionLog.committedEnd);
    const { metrics } = broker.telemetry;
    assert.equal(observationsOf(metrics, STAGES.checkpoint), 1);
    assert.equal(observationsOf(metrics, STAGES.sessionLog), sessionLog.committedEnd);
    assert.equal(metrics.readGauge(METRICS.sessionLogQueueBytes), 0);
    assert.ok(marker.sessionLog > 0);
    assert.equal(new Map(marker.shards).get(shards.durable.number), 1);
    assert.equal((await broker.journal.bounds(shards.sessionShard)).start, marker.sessionLog);
  });

  it('waits for one that is under way, and begins after it', async () => {
    const memory: Placement = new MemoryPlacement();
    let writes = 0;
    const placement = replacing<Placement>(memory, {
      write(changes, context) {
        if (changes.some(({ key }) => key === checkpointKey('broker-1'))) writes += 1;
        return memory.write(changes, context);
      },
    });
    await using broker = await BrokerUnderTest.start({}, { placement });
    const { checkpoint } = broker.assembly;
    await Promise.all([checkpoint.take(), checkpoint.take()]);
    assert.equal(writes, 2);
  });

  it('that fails is told, and the sessions are stored by the next', async () => {
    const memory: Placement = new MemoryPlacement();
    let full = false;
    const placement = replacing<Placement>(memory, {
      write: (changes, context) =>
        full ? Promise.reject(new Error('the disk is full')) : memory.write(changes, context),
    });
    await using broker = await BrokerUnderTest.start({}, { placement });
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    full = true;
    await assert.rejects(broker.assembly.checkpoint.take(), /full/);
    full = false;
    await broker.assembly.checkpoint.take();
    assert.equal((await recordOf(broker, 'c'))?.inflight.length, 1);
  });

  it('does not bring back a session that ended while others were stored', async () => {
    const memory: Placement = new MemoryPlacement();
    let during = (): void => undefined;
    const placement = replacing<Placement>(memory, {
      write(changes, context) {
        const writing = memory.write(changes, context);
        during();
        return writing;
      },
    });
    await using broker = await BrokerUnderTest.start({}, { placement });
    const clients = await Promise.all(
      Array.from({ length: 300 }, (_, index) => broker.connect(`c-${index}`, PERSISTENT)),
    );
    for (const { session } of clients) session!.dirty = true;
    const last = clients.at(-1)!;
    during = () => {
      during = () => undefined;
      last.session!.expirySeconds = 0;
      last.close(CLOSE_REASONS.clientClosed);
    };
    await broker.assembly.checkpoint.take();
    await broker.settle();
    assert.equal(await recordOf(broker, last.session!.clientId), undefined);
  });

  it('leaves a stored will alone until it is published', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    using _ = controlled;
    const will = { topic: 'w', payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: {} };
    const client = await broker.connect('c', { ...PERSISTENT, will });
    client.session!.dirty = true;
    client.close(CLOSE_REASONS.socketError);
    const taken = broker.assembly.checkpoint.take();
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    assert.equal((await recordOf(broker, 'c'))?.will?.topic, 'w');
    controlled.settle('commit');
    await taken;
    assert.equal((await recordOf(broker, 'c'))?.will, undefined);
  });

  it('protects in the journal what a session or a group may still ask for, and nothing else', async () => {
    const floors: (number | undefined)[] = [];
    const journal: Journal = new MemoryJournal({ clock: new TestClock() });
    const guarded = replacing<Journal>(journal, {
      protect(shard, holder, from) {
        if (shard === 'default') floors.push(from);
        journal.protect(shard, holder, from);
      },
    });
    await using broker = await BrokerUnderTest.start({}, { journal: guarded });
    const client = await broker.connect('c', { ...PERSISTENT, receiveMaximum: 1 });
    await broker.subscribe(client, 'a', { qos: 1 });
    const group = await broker.connect('member', PERSISTENT);
    await broker.subscribe(group, '$share/g/b', { qos: 1 });
    const { checkpoint } = broker.assembly;
    const floorAfter = async (step: () => void): Promise<number | undefined> => {
      step();
      await broker.settle();
      for (const { session } of [client, group]) session!.dirty = true;
      await checkpoint.take();
      return floors.at(-1);
    };
    assert.equal(await floorAfter(() => broker.publish('other', '0', { qos: 1 })), 1);
    assert.equal(await floorAfter(() => broker.publish('a', '1', { qos: 1 })), 1, 'in flight');
    assert.equal(await floorAfter(() => broker.answer(client, client.take()[0]!)), 2, 'acknowledged');
    group.saturated = true;
    assert.equal(await floorAfter(() => broker.publish('b', '2', { qos: 1 })), 2, 'the group waits');
    assert.equal(await floorAfter(() => broker.publish('other', '3', { qos: 1 })), 2);
    broker.drain(group);
    await broker.settle();
    assert.equal(await floorAfter(() => broker.answer(group, group.take()[0]!)), 4);
  });
});
