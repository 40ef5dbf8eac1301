import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Aedes } from 'aedes';
import { type LoadOptions, MessageLoad } from './message-load.ts';
import { fanIn, fanOut, pairs, wildcard } from './topology.ts';

const MESSAGES = 200;

/** A broker in this process that the test may make misbehave. */
async function startBroker(context: TestContext): Promise<{ broker: Aedes; port: number }> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    broker.close();
  });
  return { broker, port: (server.address() as AddressInfo).port };
}

async function runUntilDelivered(options: LoadOptions): Promise<MessageLoad> {
  const load = await MessageLoad.start(options);
  while (load.tally.delivered < MESSAGES) {
    load.tally.assertAlive();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await load.drain();
  await load.close();
  return load;
}

describe('a load on a broker that keeps its promises', () => {
  const loads: [string, Omit<LoadOptions, 'port'>][] = [
    ['pairs', { topology: pairs('a', 3), qos: 0, window: 10, payloadBytes: 16 }],
    ['fan-in', { topology: fanIn('a', 5), qos: 0, window: 3, payloadBytes: 16 }],
    ['fan-out', { topology: fanOut('a', 5), qos: 0, window: 3, payloadBytes: 16 }],
    ['wildcard', { topology: wildcard('a', 2, 3), qos: 0, window: 4, payloadBytes: 16 }],
    ['pairs at QoS 1', { topology: pairs('a', 3), qos: 1, window: 10, payloadBytes: 256 }],
  ];
  for (const [name, load] of loads) {
    it(`delivers everything once and in order: ${name}`, async (context) => {
      const { port } = await startBroker(context);
      const { tally } = await runUntilDelivered({ ...load, port });
      tally.assertKept(load.qos);
      assert.deepEqual([tally.lost, tally.repeated, tally.stray], [0, 0, 0]);
      assert.equal(tally.delivered % load.topology.subscribersPerTopic, 0);
      assert(tally.latency.quantileMs(0.5)! > 0);
    });
  }
});

describe('a load that is offered at a rate', () => {
  const options = { topology: fanOut('a', 2), qos: 0, payloadBytes: 16 } as const;

  it('goes on by the clock, and is verified like any other', async (context) => {
    const { port } = await startBroker(context);
    const offered = { perSecond: 2000, batchIntervalMs: 5 };
    const { tally, published } = await runUntilDelivered({ ...options, port, window: 1000, offered });
    tally.assertKept(0);
    assert.deepEqual([tally.lost, tally.delivered], [0, 2 * published]);
    assert.equal(published % 10, 0);
  });

  it('ends where too much is under way already: what comes back late is not offered', async (context) => {
    const { broker, port } = await startBroker(context);
    let forwarded = 0;
    broker.authorizeForward = (_client, packet) => (++forwarded > 100 ? null : packet);
    const offered = { perSecond: 10_000, batchIntervalMs: 5 };
    const load = await MessageLoad.start({ ...options, port, window: 120, offered });
    while (load.published < 170) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(load.published, 170);
    await load.close();
  });
});

describe('a load on a broker that does not', () => {
  const options = { topology: pairs('a', 1), window: 10, payloadBytes: 16 } as const;

  it('counts lost messages, and forgives them at QoS 0 alone', async (context) => {
    const { broker, port } = await startBroker(context);
    let count = 0;
    broker.authorizeForward = (_client, packet) => (++count % 50 === 0 ? null : packet);
    const { tally } = await runUntilDelivered({ ...options, port, qos: 0 });
    assert(tally.lost >= 3, `${tally.lost} lost`);
    tally.assertKept(0);
    assert.throws(() => tally.assertKept(1), /messages lost/);
  });

  it('sees messages that come twice', async (context) => {
    const { broker, port } = await startBroker(context);
    broker.on('publish', (packet, client) => {
      if (client !== null && packet.topic.startsWith('a/')) broker.publish({ ...packet, dup: false }, () => {});
    });
    const { tally } = await runUntilDelivered({ ...options, port, qos: 0 });
    assert.throws(() => tally.assertKept(0), /repeated or out of order/);
  });

  it('fails when the broker goes away', async (context) => {
    const { broker, port } = await startBroker(context);
    const load = await MessageLoad.start({ ...options, port, qos: 1 });
    broker.close();
    await assert.rejects(async () => {
      while (true) {
        load.tally.assertAlive();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }, /closed the connection|ECONNRESET|EPIPE/);
    await load.close();
  });
});
