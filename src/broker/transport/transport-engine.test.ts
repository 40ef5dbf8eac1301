import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { before, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { type Accepted, TransportServer } from '../../../test/support/transport-server.ts';
import { connectOver, TRANSPORTS, type TransportName } from '../../../test/support/transports.ts';
import { ChunkPool } from '../connection/chunk-pool.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { Outbox } from '../connection/outbox.ts';
import { Turn } from '../connection/turn.ts';
import type { TlsMaterial } from './tls-material.ts';

const MANY_BYTES = 3_000_000;
/** More than any kernel takes, and any transport holds, for a client that does not read. */
const MORE_THAN_PASSES = 32_000_000;

let authority: TestAuthority;
let material: TlsMaterial;
before(async () => {
  authority = await TestAuthority.create();
  material = { ...(await authority.issueForServer()), clientAuthorities: [], revocations: [] };
});

interface Pair extends AsyncDisposable {
  readonly client: Duplex;
  readonly broker: Accepted;
  /** What the client has got, when there are so many bytes of it. */
  clientGets(count: number): Promise<Buffer>;
}

/** Both ends of a connection; a byte has gone each way, so that all handshakes are done. */
async function open(transport: TransportName): Promise<Pair> {
  const server = await TransportServer.open({ transport }, material);
  const client = await connectOver(transport, server.port, { ca: authority.certificate });
  client.on('error', () => undefined);
  const broker = await server.accepted();
  client.write('!');
  await broker.bytes(1);
  return {
    client,
    broker,
    async clientGets(count) {
      const chunks: Buffer[] = [];
      for (let length = 0; length < count; ) {
        const chunk: Buffer | null = client.read();
        if (chunk === null) await once(client, 'readable');
        else {
          chunks.push(chunk);
          length += chunk.length;
        }
      }
      return Buffer.concat(chunks);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      broker.transport.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

for (const transport of TRANSPORTS)
  describe(`a transport: ${transport}`, () => {
    it('brings bytes as they were sent, however many', async () => {
      await using pair = await open(transport);
      const sent = randomBytes(MANY_BYTES);
      for (let at = 0; at < sent.length; at += 100_000) pair.client.write(sent.subarray(at, at + 100_000));
      const received = await pair.broker.bytes(1 + MANY_BYTES);
      assert.ok(received.subarray(1).equals(sent));
    });

    it('brings single bytes', async () => {
      await using pair = await open(transport);
      for (const byte of Buffer.from('one by one')) {
        pair.client.write(Buffer.from([byte]));
        await nextTurn();
      }
      assert.equal(String(await pair.broker.bytes(11)), '!one by one');
    });

    it('sends what an outbox writes, whose buffers are used again as soon as it may', async () => {
      await using pair = await open(transport);
      const sent = randomBytes(MANY_BYTES);
      const { promise: isDrained, resolve } = Promise.withResolvers<void>();
      // One chunk of each size is kept, so that a buffer given back too early is overwritten at once.
      const outbox = new Outbox(
        pair.broker.sink,
        new ChunkPool(1),
        new Turn(),
        { received: 0, sent: 0, blocked: new Set() },
        resolve,
      );
      const received = pair.clientGets(MANY_BYTES);
      for (let at = 0, size = 1; at < sent.length; at += size, size = 1 + ((size * 7) % 9000)) {
        outbox.push(sent, at, Math.min(at + size, sent.length));
        // Several writes in a turn are what a burst comes to: the second waits for the first.
        if (at % 3 !== 0) outbox.flush();
        if (at % 5 === 0) await nextTurn();
      }
      assert.ok((await received).equals(sent));
      if (outbox.blocked) await isDrained;
      assert.equal(outbox.pendingBytes, 0);
    });

    it('sends one write larger than its buffers', async () => {
      await using pair = await open(transport);
      const sent = randomBytes(MANY_BYTES);
      pair.broker.sink.write(sent);
      assert.ok((await pair.clientGets(MANY_BYTES)).equals(sent));
    });

    it('reads no more when told so, and goes on when told so', async () => {
      await using pair = await open(transport);
      const { broker, client } = pair;
      broker.reading = false;
      const piece = randomBytes(100_000);
      for (let written = 0; written < MORE_THAN_PASSES; written += piece.length) client.write(piece);
      for (let turn = 0; turn < 100; turn += 1) await nextTurn();
      assert.ok(broker.receivedBytes < 1_000_000, `${broker.receivedBytes} bytes came nevertheless`);
      broker.resume();
      await broker.bytes(1 + MORE_THAN_PASSES);
    });

    it('shows a client that does not read, and is not kept open by it', async () => {
      await using pair = await open(transport);
      const { broker, client } = pair;
      client.pause();
      const piece = Buffer.alloc(100_000);
      let written = 0;
      for (; written < MORE_THAN_PASSES && broker.sink.writableLength === 0; written += piece.length) {
        broker.sink.write(piece);
        await nextTurn();
      }
      assert.ok(broker.sink.writableLength > 0);
      const closed = once(client, 'close');
      broker.transport.close(CLOSE_REASONS.serverShutdown);
      client.resume();
      await closed;
    });

    it('sends what it was given before it closes', async () => {
      await using pair = await open(transport);
      pair.broker.sink.write(Buffer.from('last words'));
      pair.broker.transport.close(CLOSE_REASONS.clientDisconnect);
      assert.equal(String(await pair.clientGets(10)), 'last words');
      pair.client.resume();
      await once(pair.client, 'close');
    });

    it('tells that the client has gone, whichever way', async () => {
      for (const leave of [(client: Duplex) => client.end(), (client: Duplex) => client.destroy()]) {
        await using pair = await open(transport);
        leave(pair.client);
        assert.match((await pair.broker.ended()).label, /client_closed|socket_error/);
      }
    });

    it('knows where the client comes from, and no name for it', async () => {
      await using pair = await open(transport);
      const { remoteAddress, remotePort, certificateIdentity } = pair.broker.transport;
      assert.deepEqual([remoteAddress, certificateIdentity], ['127.0.0.1', undefined]);
      assert.ok(remotePort > 0);
    });

    it('closes at once when it is not wanted, also before its handshakes', async () => {
      await using server = await TransportServer.open({ transport }, material);
      const client = connect(server.port, '127.0.0.1');
      client.on('error', () => undefined);
      client.resume();
      const broker = await server.accepted();
      const closed = once(client, 'close');
      broker.transport.destroy();
      await closed;
      assert.deepEqual(server.failures, []);
    });
  });
