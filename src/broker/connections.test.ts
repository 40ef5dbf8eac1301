import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { RawClient } from '../../test/support/raw-client.ts';
import { MemoryJournal } from '../journal/engines/memory/memory-journal.ts';
import { ReasonCode } from '../mqtt/reason-code.ts';
import { DEFAULT_SHARD } from '../placement/routes.ts';
import { METRICS } from '../telemetry/catalogue.ts';
import { counterId, seriesOf } from '../telemetry/metrics.ts';
import { CLOSE_REASONS } from './connection/close-reason.ts';
import { Listener } from './listener.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import { ControlledJournal } from './testing/controlled-journal.ts';
import { TestClock } from './testing/test-clock.ts';
import { TestSink } from './testing/test-sink.ts';
import type { Transport } from './transport/transport.ts';

const REFUSED = counterId(METRICS.limitsHitTotal, 'connections');
/** Megabytes: what may wait for the journal is 8, and what is under way comes on top. */
const MORE_THAN_WAITS = 24;
const OPENED = counterId(METRICS.connectionsOpenedTotal);

async function open(...parameters: Parameters<typeof BrokerUnderTest.start>) {
  const broker = await BrokerUnderTest.start(...parameters);
  const port = await broker.listen();
  const { connections, seconds } = broker.assembly;
  return {
    broker,
    port,
    connections,
    connect: (keepAliveSeconds = 0) => RawClient.connect({ port, keepAliveSeconds }),
    /** As the broker's timer does it, so many times. */
    tick(count: number): void {
      for (let tick = 0; tick < count; tick += 1) {
        broker.clock.advanceSeconds(1);
        seconds.value += 1;
        connections.tick(broker.clock.now());
      }
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

/** Connects beyond a limit, and is told so. */
async function expectRefused(port: number): Promise<void> {
  await using client = await RawClient.open(port);
  client.sendConnect({});
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.quotaExceeded);
  await client.expectClose();
}

/** A client of which nothing is heard. */
class IdleTransport implements Transport {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 1;
  readonly certificateIdentity = undefined;
  state: 'new' | 'started' | 'closed' | 'destroyed' = 'new';

  start(): TestSink {
    this.state = 'started';
    return new TestSink();
  }

  resume(): void {}

  close(): void {
    this.state = 'closed';
  }

  destroy(): void {
    this.state = 'destroyed';
  }
}

describe('a new connection', () => {
  it('is refused beyond the limit of the broker, and taken again when one has gone', async () => {
    await using setup = await open({ 'mqtt.max_connections': 1 });
    await using first = await setup.connect();
    await expectRefused(setup.port);
    assert.deepEqual([setup.broker.count(OPENED), setup.broker.count(REFUSED), setup.connections.count], [1, 1, 1]);
    await first.disconnect();
    await using next = await setup.connect();
    assert.deepEqual([setup.broker.count(REFUSED), setup.connections.count], [1, 1]);
    await next.drop();
  });

  it('is refused beyond the limit of its listener, which is none of any other', async () => {
    await using setup = await open();
    const configured = { ...setup.broker.config.listeners[0]!, name: 'narrow', port: 0, maxConnections: 1 };
    const narrow = await Listener.open(configured, (transport) => setup.connections.accept(transport, configured));
    await using elsewhere = await setup.connect();
    const { port } = narrow.address;
    const opened = setup.broker.count(OPENED);
    await using first = await RawClient.open(port);
    await expectRefused(port);
    assert.deepEqual([setup.broker.count(OPENED) - opened, setup.broker.count(REFUSED)], [1, 1]);
    // What is no CONNECT ends the first, and makes room.
    first.send({ type: 'pingreq' });
    await first.expectClose();
    await using next = await RawClient.open(port);
    next.send({ type: 'pingreq' });
    await next.expectClose();
    assert.deepEqual([setup.broker.count(OPENED) - opened, setup.broker.count(REFUSED)], [2, 1]);
    narrow.stop();
    await elsewhere.drop();
  });

  it('that is refused has two seconds to ask why, and counts as no connection in any way', async () => {
    await using setup = await open({ 'mqtt.max_connections': 1 });
    await using first = await setup.connect();
    await using silent = await RawClient.open(setup.port);
    await using wrong = await RawClient.open(setup.port);
    wrong.send({ type: 'pingreq' });
    await wrong.expectClose();
    await first.expectNothing();
    setup.tick(2);
    setup.tick(1);
    await silent.expectClose();
    assert.deepEqual([setup.broker.count(OPENED), setup.broker.count(REFUSED), setup.connections.count], [1, 2, 1]);
    const closed = seriesOf(METRICS.connectionsClosedTotal).map(({ cell }) => setup.broker.count(cell));
    assert.ok(closed.every((count) => count === 0));
  });

  it('that is refused is closed at once where 256 of them wait to be told, and where telling needs a TLS handshake', async () => {
    await using setup = await open({ 'mqtt.max_connections': 1 });
    const { connections, broker } = setup;
    await using first = await setup.connect();
    const [listener] = broker.config.listeners;
    const transports = Array.from({ length: 258 }, () => new IdleTransport());
    connections.accept(transports[0]!, { ...listener!, transport: 'tls' });
    for (const transport of transports.slice(1)) connections.accept(transport, listener!);
    assert.deepEqual(
      transports.map(({ state }) => state),
      ['destroyed', ...Array<string>(256).fill('started'), 'destroyed'],
    );
    setup.tick(3);
    assert.ok(transports.slice(1, 257).every(({ state }) => state === 'closed'));
    await first.expectNothing();
  });

  it('that is refused cannot send more than a CONNECT', async () => {
    await using setup = await open({ 'mqtt.max_connections': 1 });
    await using first = await setup.connect();
    await using greedy = await RawClient.open(setup.port);
    greedy.sendConnect({ userName: 'x'.repeat(20_000) });
    await greedy.ended();
    await first.expectNothing();
  });

  it('is closed when it does not say who it is in time (section 3.1.4)', async () => {
    await using setup = await open({ 'mqtt.connect_timeout_ms': 5000 });
    await using silent = await RawClient.open(setup.port);
    await using connected = await setup.connect();
    setup.tick(5);
    assert.equal(setup.connections.count, 2);
    setup.tick(1);
    await silent.expectClose();
    assert.equal(setup.broker.count(counterId(METRICS.connectionsClosedTotal, 'connect_timeout')), 1);
    assert.equal(setup.broker.count(counterId(METRICS.limitsHitTotal, 'connect_timeout')), 1);
    await connected.expectNothing();
    await connected.drop();
  });
});

describe('a client that is silent', () => {
  it('is cut off after one and a half times its keep alive [MQTT-3.1.2-22]', async () => {
    await using setup = await open();
    await using client = await setup.connect(10);
    setup.tick(15);
    assert.equal(setup.connections.count, 1);
    setup.tick(1);
    await client.expectDisconnect(ReasonCode.keepAliveTimeout);
  });

  it('stays as long as it says something in time', async () => {
    await using setup = await open();
    await using client = await setup.connect(10);
    for (let time = 0; time < 3; time += 1) {
      setup.tick(15);
      await client.expectNothing();
    }
    assert.equal(setup.connections.count, 1);
    await client.drop();
  });

  it('stays while it is the broker that does not read, because the journal is behind', async () => {
    const disk = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), DEFAULT_SHARD);
    await using setup = await open({}, { journal: disk.journal });
    await using client = await setup.connect(10);
    const payload = new Uint8Array(1_000_000);
    const publish = (packetId: number) =>
      client.send({
        type: 'publish',
        topic: 'a',
        payload,
        qos: 1,
        retain: false,
        duplicate: false,
        packetId,
        properties: {},
      });
    for (let packetId = 1; packetId <= MORE_THAN_WAITS; packetId += 1) publish(packetId);
    while (setup.broker.assembly.ingests.every((ingest) => !ingest.saturated)) await setTimeout(1);
    setup.tick(100);
    assert.equal(setup.connections.count, 1);
    for (let answered = 0; answered < MORE_THAN_WAITS; ) {
      if (disk.waiting.length === 0) await setTimeout(1);
      else {
        answered += disk.waiting[0]!;
        disk.settle('commit');
      }
    }
    for (let packetId = 1; packetId <= MORE_THAN_WAITS; packetId += 1)
      assert.equal((await client.expect('puback')).packetId, packetId);
  });

  it('stays for ever where it turned the keep alive off', async () => {
    await using setup = await open();
    await using client = await setup.connect(0);
    setup.tick(1000);
    await client.expectNothing();
    await client.drop();
  });
});

it('all connections are told why when the broker ends them', async () => {
  await using setup = await open();
  const clients = [await setup.connect(), await setup.connect()];
  setup.connections.closeAll(CLOSE_REASONS.serverShutdown);
  for (const client of clients) await client.expectDisconnect(ReasonCode.serverShuttingDown);
  assert.equal(setup.connections.count, 0);
});
