import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { connectPacket, payloadOf, RawClient } from '../support/raw-client.ts';
import { metric, until } from './support/metric.ts';
import { residentBytes } from './support/process-memory.ts';
import { Restartable } from './support/restartable.ts';
import { StrictClient } from './support/strict-client.ts';

const MIB = 1024 * 1024;
const MAX_QUEUED_BYTES = MIB;
const PAYLOAD = Buffer.alloc(16 * 1024, 'x');
const MESSAGES = 1500;
const SILENT_CLIENTS = 10;
const FLOOD_BYTES = 16 * MIB;
const PINGREQ = Buffer.from([0xc0, 0]);
/** What may wait for those who do not read, doubled for what garbage collection has not come to, and something for the load. */
const GROWTH_LIMIT_BYTES = 2 * SILENT_CLIENTS * MAX_QUEUED_BYTES + 64 * MIB;

let broker: Restartable;
before(async () => {
  broker = await Restartable.start({
    'mqtt.max_queued_bytes': MAX_QUEUED_BYTES,
    'telemetry.sampling.rate': 0,
    // What is recorded fills the ring, which is not the growth that is meant here.
    'telemetry.ring_bytes': MIB,
  });
});
after(() => broker[Symbol.asyncDispose]());

describe('clients that never read', () => {
  test('QoS 0: what does not fit is dropped and counted, and others get everything', async () => {
    const atFirst = residentBytes(broker.process.pid);
    const silent = await Promise.all(
      Array.from({ length: SILENT_CLIENTS }, async (_, index) => {
        const client = await RawClient.connect({ port: broker.port, clientId: `silent-${index}` });
        await client.subscribe({ filter: 'flood', qos: 0 });
        client.pause();
        return client;
      }),
    );
    await using reader = await RawClient.connect({ port: broker.port });
    await reader.subscribe({ filter: 'flood', qos: 0 });
    await using publisher = await RawClient.connect({ port: broker.port });
    for (let index = 0; index < MESSAGES; index += 1) {
      publisher.sendPublish('flood', PAYLOAD);
      await reader.expect('publish');
    }
    const dropped = await metric(broker.process.adminUrl, 'robustmq_messages_dropped_total', 'queue_full');
    // 24 MiB were sent to each, of which a queue of 1 MiB and the buffers of two sockets hold about the half.
    assert(dropped > (SILENT_CLIENTS * MESSAGES) / 10, `${dropped} dropped`);
    assert(residentBytes(broker.process.pid) - atFirst < GROWTH_LIMIT_BYTES);
    await Promise.all(silent.map((client) => client.drop()));
  });

  test('QoS 1: nothing is dropped: a persistent session gets all of it when it reads again', async () => {
    const atFirst = residentBytes(broker.process.pid);
    const silent = new StrictClient('silent');
    await silent.connect(broker.port);
    await silent.subscribe('confirmed', 1);
    silent.connection.pause();
    const reader = new StrictClient('reader');
    await reader.connect(broker.port);
    await reader.subscribe('confirmed', 1);
    const publisher = new StrictClient('publisher');
    await publisher.connect(broker.port);
    const payloads = Array.from({ length: 2000 }, (_, index) => `${index} ${PAYLOAD}`);
    for (let start = 0; start < payloads.length; start += 100)
      await Promise.all(
        payloads.slice(start, start + 100).map((payload) => publisher.publish('confirmed', payload, 1)),
      );
    await reader.receives('confirmed', payloads.at(-1)!);
    assert(residentBytes(broker.process.pid) - atFirst < GROWTH_LIMIT_BYTES);
    silent.connection.resume();
    await silent.receives('confirmed', payloads.at(-1)!);
    assert.deepEqual(silent.payloadsOf('confirmed'), payloads);
    await Promise.all([silent, reader, publisher].map((client) => client.drop()));
  });

  test('one that asks and asks, and never reads the answers, is not read from either', async () => {
    const atFirst = residentBytes(broker.process.pid);
    const silent = connect({ port: broker.port, host: '127.0.0.1' });
    silent.pause();
    silent.write(encodePacket(connectPacket({ clientId: 'asking' }), 5));
    silent.write(Buffer.alloc(FLOOD_BYTES, PINGREQ));
    await using other = await RawClient.connect({ port: broker.port });
    await other.subscribe('other');
    for (let index = 0; index < 200; index += 1) {
      await other.publish('other', String(index), { qos: 1 });
      assert.equal(payloadOf(await other.receive()), String(index));
    }
    const taken = async (): Promise<number> => metric(broker.process.adminUrl, 'robustmq_requests_total', 'pingreq');
    let before = -1;
    await until('the broker reads no more pings', async () => {
      const now = await taken();
      const isSteady = now === before;
      before = now;
      return isSteady;
    });
    assert(residentBytes(broker.process.pid) - atFirst < GROWTH_LIMIT_BYTES);
    assert((await taken()) < FLOOD_BYTES / PINGREQ.length, 'not all pings were taken');
    silent.resume();
    await until('the rest of the pings', async () => (await taken()) === FLOOD_BYTES / PINGREQ.length);
    silent.destroy();
  });
});
