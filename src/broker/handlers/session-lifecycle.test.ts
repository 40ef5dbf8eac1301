import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest, type ClientOptions } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { textOf } from '../testing/packet-stream.ts';
import { replacing } from '../testing/replacing.ts';
import type { TestClient } from '../testing/test-client.ts';
import { TestClock } from '../testing/test-clock.ts';

const PERSISTENT = { expirySeconds: 1000 };

function will(properties: NonNullable<ConnectPacket['will']>['properties'] = {}): NonNullable<ConnectPacket['will']> {
  return { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false, properties };
}

/** A broker, somebody who listens for wills, and a client that may leave one. */
async function open(options: ClientOptions = {}) {
  const broker = await BrokerUnderTest.start();
  const listener = await broker.connect('listener');
  await broker.subscribe(listener, 'will', { qos: 1 });
  const client = await broker.connect('c', options);
  return {
    broker,
    client,
    lifecycle: broker.assembly.lifecycle,
    async wills(): Promise<string[]> {
      await broker.settle();
      return listener.takeMessages().map(textOf);
    },
    advance(seconds: number): void {
      broker.clock.advanceSeconds(seconds);
      broker.assembly.lifecycle.tick(broker.clock.now());
    },
    storedSessions: async () => (await broker.placement.list(sessionRecords.prefix)).length,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

function disconnect(client: TestClient, reasonCode: ReasonCode = ReasonCode.normalDisconnection): void {
  client.connectionEnd = { type: 'disconnected', reasonCode };
  client.close(CLOSE_REASONS.clientDisconnect);
}

describe('a session', () => {
  it('ends with its connection when it has no expiry [MQTT-3.1.2-23], and nothing of it is kept', async () => {
    await using scene = await open();
    await scene.broker.subscribe(scene.client, 'a');
    disconnect(scene.client);
    assert.deepEqual([...scene.lifecycle.sessions.keys()], ['listener']);
    assert.equal(scene.broker.assembly.router.subscriptionCount, 1);
    assert.equal(await scene.storedSessions(), 0);
  });

  it('outlives its connection for its expiry, and not longer', async () => {
    await using scene = await open({ expirySeconds: 10 });
    disconnect(scene.client);
    scene.advance(9);
    const again = await scene.broker.connect('c', { expirySeconds: 10 });
    assert.equal(again.session, scene.client.session);
    disconnect(again);
    scene.advance(10);
    assert.equal(scene.lifecycle.sessions.has('c'), false);
    await scene.broker.settle();
    assert.equal(await scene.storedSessions(), 0);
  });

  it('that has expired is not found again, though no tick has come by', async () => {
    await using scene = await open({ expirySeconds: 10 });
    disconnect(scene.client);
    scene.broker.clock.advanceSeconds(11);
    assert.notEqual((await scene.broker.connect('c', PERSISTENT)).session, scene.client.session);
  });

  it('begins anew at a clean start [MQTT-3.1.2-4], with a number of its own', async () => {
    await using scene = await open(PERSISTENT);
    await scene.broker.subscribe(scene.client, 'a');
    disconnect(scene.client);
    const again = await scene.broker.connect('c', { ...PERSISTENT, cleanStart: true });
    assert.notEqual(again.session!.number, scene.client.session!.number);
    assert.equal(scene.broker.assembly.router.countOf(again.session!), 0);
  });

  it('is that of MQTT 3.1.1 with clean session 0 as long as the broker allows', async () => {
    await using scene = await open({ version: 4 });
    disconnect(scene.client);
    scene.advance(1e9);
    assert.ok(scene.lifecycle.sessions.has('c'));
  });

  it('may stay as long as the operator set for its version, and never longer than for all', async () => {
    const expiryWith = async (forV3: number, version: 4 | 5) => {
      await using broker = await BrokerUnderTest.start({
        'mqtt.session_expiry_for_v3_seconds': forV3,
        'mqtt.session_expiry_maximum_seconds': 100,
      });
      return (await broker.connect('c', { version, expirySeconds: 1000 })).session!.expirySeconds;
    };
    assert.deepEqual([await expiryWith(10, 4), await expiryWith(1000, 4), await expiryWith(10, 5)], [10, 100, 100]);
  });

  it('keeps no more in flight than its client allows [MQTT-3.3.4-9]', async () => {
    await using scene = await open({ receiveMaximum: 3 });
    assert.equal(scene.client.session!.window.limit, 3);
  });

  it('is stored before anything depends on it, and removed when it stops being persistent', async () => {
    await using scene = await open(PERSISTENT);
    assert.equal(await scene.storedSessions(), 1);
    disconnect(scene.client);
    await scene.broker.connect('c', { expirySeconds: 0 });
    assert.equal(await scene.storedSessions(), 0);
  });
});

describe('a client identifier that connects again', () => {
  it('takes over from the connection that has it [MQTT-3.1.4-3], and the session goes on', async () => {
    await using scene = await open(PERSISTENT);
    await scene.broker.subscribe(scene.client, 'a');
    const heir = await scene.broker.connect('c', PERSISTENT);
    assert.equal(scene.client.closeReason, CLOSE_REASONS.sessionTakenOver);
    assert.equal(heir.session, scene.client.session);
    scene.broker.publish('a', 'x');
    assert.deepEqual([scene.client.takeMessages().length, heir.takeMessages().length], [0, 1]);
  });

  it('ends the session it takes over at a clean start', async () => {
    await using scene = await open(PERSISTENT);
    const heir = await scene.broker.connect('c', { ...PERSISTENT, cleanStart: true });
    assert.notEqual(heir.session, scene.client.session);
    assert.equal(scene.lifecycle.sessions.get('c'), heir.session);
    await scene.broker.settle();
    assert.equal(await scene.storedSessions(), 1);
  });

  for (const [what, leave] of [
    ['is away', disconnect],
    ['is connected', () => undefined],
  ] as const)
    it(`is told of a clean start only when no crash can bring the old session back, whose client ${what}`, async () => {
      const memory: Placement = new MemoryPlacement();
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const placement = replacing<Placement>(memory, {
        async write(changes, context) {
          if (changes.some(({ type }) => type === 'delete')) await gate;
          return memory.write(changes, context);
        },
      });
      await using broker = await BrokerUnderTest.start({}, { placement });
      leave(await broker.connect('c', PERSISTENT));
      let isTold = false;
      const told = broker.connect('c', { cleanStart: true }).then(() => {
        isTold = true;
      });
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      assert.equal(isTold, false);
      open();
      await told;
      await broker.crash();
      assert.equal(broker.assembly.lifecycle.sessions.size, 0);
    });

  it('is not disturbed by the end of the connection it took over from', async () => {
    await using scene = await open(PERSISTENT);
    const heir = await scene.broker.connect('c', PERSISTENT);
    scene.lifecycle.leave(scene.client, CLOSE_REASONS.clientClosed, { type: 'lost' });
    assert.equal(heir.session!.receiver, heir);
  });
});

describe('a will', () => {
  it('is published when the connection breaks [MQTT-3.1.2-8]', async () => {
    await using scene = await open({ will: will() });
    scene.client.close(CLOSE_REASONS.socketError);
    assert.deepEqual(await scene.wills(), ['gone']);
  });

  it('is forgotten at DISCONNECT with reason 0 [MQTT-3.1.2-10] [MQTT-3.14.4-3], and not with reason 4', async () => {
    await using scene = await open({ will: will() });
    disconnect(scene.client);
    assert.deepEqual(await scene.wills(), []);
    const again = await scene.broker.connect('c', { will: will() });
    disconnect(again, ReasonCode.disconnectWithWillMessage);
    assert.deepEqual(await scene.wills(), ['gone']);
  });

  it('waits for its delay, and is forgotten when the client is back before [MQTT-3.1.3-9]', async () => {
    await using scene = await open({ ...PERSISTENT, will: will({ willDelayInterval: 10 }) });
    scene.client.close(CLOSE_REASONS.socketError);
    scene.advance(9);
    assert.deepEqual(await scene.wills(), []);
    const again = await scene.broker.connect('c', { ...PERSISTENT, will: will({ willDelayInterval: 10 }) });
    scene.advance(9);
    assert.deepEqual(await scene.wills(), []);
    again.close(CLOSE_REASONS.socketError);
    scene.advance(10);
    assert.deepEqual(await scene.wills(), ['gone']);
    scene.advance(10);
    assert.deepEqual(await scene.wills(), [], 'and comes once');
  });

  it('comes with the end of the session where that is before its delay', async () => {
    await using scene = await open({ expirySeconds: 5, will: will({ willDelayInterval: 10 }) });
    scene.client.close(CLOSE_REASONS.socketError);
    scene.advance(5);
    assert.deepEqual(await scene.wills(), ['gone']);
    assert.equal(scene.lifecycle.sessions.has('c'), false);
  });

  it('that waits is published when a clean start ends its session', async () => {
    await using scene = await open({ ...PERSISTENT, will: will({ willDelayInterval: 10 }) });
    scene.client.close(CLOSE_REASONS.socketError);
    await scene.broker.connect('c', { ...PERSISTENT, cleanStart: true });
    assert.deepEqual(await scene.wills(), ['gone']);
  });

  it('of a session that is taken over is published when it has no delay, and once', async () => {
    await using scene = await open({ ...PERSISTENT, will: will() });
    await scene.broker.connect('c', PERSISTENT);
    assert.deepEqual(await scene.wills(), ['gone']);
  });

  for (const [what, options] of [
    ['stays', PERSISTENT],
    ['ends with its connection', {}],
  ] as const)
    it(`is not lost by a crash while it is being stored, of a session that ${what}`, async () => {
      const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
      await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
      using _ = controlled;
      const listener = await broker.connect('listener', PERSISTENT);
      await broker.subscribe(listener, 'will', { qos: 1 });
      const client = await broker.connect('c', { ...options, will: will() });
      client.close(CLOSE_REASONS.socketError);
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      assert.deepEqual(controlled.waiting, [1]);
      await broker.crash();
      controlled.settle('fail');
      broker.assembly.lifecycle.tick(broker.clock.now());
      await new Promise(setImmediate);
      controlled.settle('commit');
      const again = await broker.connect('listener', PERSISTENT);
      await broker.settle();
      assert.deepEqual(again.takeMessages().map(textOf), ['gone']);
    });

  it('is stored before a connection that takes over is told that it is connected', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    using _ = controlled;
    await broker.connect('c', { ...PERSISTENT, will: will() });
    let isTold = false;
    const told = broker.connect('c', PERSISTENT).then(() => {
      isTold = true;
    });
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    assert.deepEqual([controlled.waiting, isTold], [[1], false]);
    controlled.settle('commit');
    await told;
  });

  it('is published after a crash of the broker, which broke the connection too', async () => {
    await using broker = await BrokerUnderTest.start();
    const listener = await broker.connect('listener', PERSISTENT);
    await broker.subscribe(listener, 'will', { qos: 1 });
    await broker.connect('c', { will: will() });
    await broker.crash();
    broker.assembly.lifecycle.tick(broker.clock.now());
    const again = await broker.connect('listener', PERSISTENT);
    await broker.settle();
    assert.deepEqual(again.takeMessages().map(textOf), ['gone']);
    assert.equal(broker.assembly.lifecycle.sessions.has('c'), false);
  });
});
