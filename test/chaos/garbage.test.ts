import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { arbitraryPacket } from '../../src/mqtt/testing/arbitrary-packet.ts';
import { connectPacket, payloadOf, RawClient } from '../support/raw-client.ts';
import { SCALE } from './support/chance.ts';
import { residentBytes } from './support/process-memory.ts';
import { Restartable } from './support/restartable.ts';

const MIB = 1024 * 1024;
const RUNS = 300 * SCALE;
/** Of what the process may grow by over all the runs: its heap settles somewhere, and does not follow the input. */
const GROWTH_LIMIT_BYTES = 64 * MIB;

let broker: Restartable;
before(async () => {
  broker = await Restartable.start({ 'mqtt.connect_timeout_ms': 100, 'authentication.failure_delay_ms': 50 });
});
after(() => broker[Symbol.asyncDispose]());

/** Sends the bytes, and goes: by half the connection ending, or by the whole of it. */
async function send(bytes: Uint8Array): Promise<void> {
  const socket = connect({ port: broker.port, host: '127.0.0.1' });
  const { promise, resolve } = Promise.withResolvers<void>();
  // The broker may close first, while we still write.
  socket.on('error', () => undefined);
  socket.on('close', () => resolve());
  socket.resume();
  socket.end(bytes);
  await promise;
}

/** A valid packet behind a CONNECT, with bytes changed, left out or added. */
const mutated = fc
  .constantFrom(4 as const, 5 as const)
  .chain((version) =>
    fc.record({
      version: fc.constant(version),
      packets: fc.array(arbitraryPacket(version), { minLength: 1, maxLength: 4 }),
      changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      length: fc.nat(400),
    }),
  )
  .map(({ version, packets, changes, length }) => {
    const hello = encodePacket(connectPacket({ protocolVersion: version, clientId: 'garbage' }), version);
    const rest = Buffer.concat(packets.map((packet) => encodePacket(packet, version))).subarray(0, length);
    for (const [at, byte] of changes) if (rest.length > 0) rest[at % rest.length] = byte;
    return Buffer.concat([hello, rest]);
  });

describe('garbage and half packets on the port', () => {
  test('leave the broker up, other clients unaffected and its memory where it was', async () => {
    await using bystander = await RawClient.connect({ port: broker.port, clientId: 'bystander' });
    await bystander.subscribe('unharmed/#');
    let count = 0;
    const unharmed = async (bytes: Uint8Array): Promise<void> => {
      await send(bytes);
      count += 1;
      if (count % 50 !== 0) return;
      await bystander.publish('unharmed/yes', String(count), { qos: 1 });
      assert.equal(payloadOf(await bystander.receive()), String(count));
    };
    await fc.assert(fc.asyncProperty(mutated, unharmed), { numRuns: 50 });
    const atFirst = residentBytes(broker.process.pid);
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), unharmed), { numRuns: RUNS });
    await fc.assert(fc.asyncProperty(mutated, unharmed), { numRuns: RUNS });
    assert(residentBytes(broker.process.pid) - atFirst < GROWTH_LIMIT_BYTES);
  });

  test('a packet that is announced and never comes costs only what has come', async () => {
    await using bystander = await RawClient.connect({ port: broker.port });
    const atFirst = residentBytes(broker.process.pid);
    const halves = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const client = await RawClient.connect({ port: broker.port, clientId: `half-${index}` });
        // A PUBLISH of a whole megabyte, of which only the beginning comes.
        client.sendBytes(Buffer.from([0x30, 0x80, 0x80, 0x3f, 0, 1, 0x61]));
        return client;
      }),
    );
    await bystander.expectNothing();
    assert(residentBytes(broker.process.pid) - atFirst < GROWTH_LIMIT_BYTES);
    await Promise.all(halves.map((client) => client.drop()));
  });
});
