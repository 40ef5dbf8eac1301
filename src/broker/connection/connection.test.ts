import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import type { Packet } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { packetsIn } from '../testing/packet-stream.ts';
import { TcpTransport } from '../transport/tcp-transport.ts';
import { ChunkPool } from './chunk-pool.ts';
import { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
import { Connection, type PacketHandlers } from './connection.ts';
import type { Outbox } from './outbox.ts';
import { Turn } from './turn.ts';

const CONNECT: Packet = {
  type: 'connect',
  protocolVersion: 5,
  cleanStart: true,
  keepAliveSeconds: 0,
  clientId: 'c',
  properties: {},
};
const PING: Packet = { type: 'pingreq' };
const LISTENER = loadConfig({ environment: {} }).listeners[0]!;

function publish(topic: string, payload: string | Buffer): Packet {
  return {
    type: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    retain: false,
    duplicate: false,
    packetId: 0,
    properties: {},
  };
}

/** Writes down what a connection hands up, and answers CONNECT as the test wants. */
class Handlers implements PacketHandlers {
  readonly log: string[] = [];
  overloaded = false;
  acceptConnect = true;
  closeReason: CloseReason | undefined;
  readonly #watchers: (() => void)[] = [];

  publish: PacketHandlers['publish'] = (_connection, buffer, _start, _end, view) => {
    this.#note(`${buffer.toString('utf8', view.topicStart, view.topicEnd)}=${view.payloadEnd - view.payloadStart}`);
  };
  acknowledge: PacketHandlers['acknowledge'] = (_connection, type, packetId) => this.#note(`ack ${type} ${packetId}`);
  packet: PacketHandlers['packet'] = (connection, packet) => {
    if (packet.type === 'connect') {
      connection.version = 5;
      connection.stage = this.acceptConnect ? 'connected' : 'connecting';
    }
    this.#note(packet.type);
  };
  malformedConnect: PacketHandlers['malformedConnect'] = (connection, reasonCode) => {
    this.#note(`malformed connect ${reasonCode}`);
    connection.close(CLOSE_REASONS.malformedPacket);
  };
  endRead: PacketHandlers['endRead'] = () => undefined;
  paused: PacketHandlers['paused'] = () => this.#note('paused');
  drained: PacketHandlers['drained'] = () => this.#note('drained');
  closed: PacketHandlers['closed'] = (_connection, reason) => {
    this.closeReason = reason;
    this.#note('closed');
  };

  /** Resolves once so many things have been handed up. */
  async until(count: number): Promise<string[]> {
    while (this.log.length < count) await new Promise<void>((resolve) => this.#watchers.push(resolve));
    return this.log;
  }

  #note(text: string): void {
    this.log.push(text);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

async function open(limits = { maximumPacketSize: 100_000, maximumQueuedBytes: 10_000, maximumQos: 2 }) {
  const handlers = new Handlers();
  const traffic = { received: 0, sent: 0, blocked: new Set<Outbox>() };
  const shared = { handlers, pool: new ChunkPool(), turn: new Turn(), traffic, seconds: { value: 0 } };
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', noDelay: true });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const transport = new TcpTransport(accepted, Buffer.alloc(1000));
  const connection = new Connection(1, transport, LISTENER, limits, undefined, 0, shared);
  const received: Buffer[] = [];
  client.on('data', (chunk) => received.push(chunk));
  const ended = once(client, 'close');
  return {
    handlers,
    connection,
    client,
    traffic,
    send: (...packets: Packet[]) => client.write(Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))),
    /** All the client got, once the broker has ended the connection. */
    async answers(): Promise<Packet[]> {
      await ended;
      return packetsIn(Buffer.concat(received), 5);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      connection.close(CLOSE_REASONS.serverShutdown);
      server.close();
      await ended;
    },
  };
}

describe('a connection', () => {
  it('hands up every packet, however the bytes are cut', async () => {
    await using wire = await open();
    const bytes = Buffer.concat(
      [CONNECT, publish('a', 'x'.repeat(5000)), PING, publish('b', ''), PING].map((packet) => encodePacket(packet, 5)),
    );
    for (let at = 0; at < bytes.length; at += 7) wire.client.write(bytes.subarray(at, at + 7));
    assert.deepEqual(await wire.handlers.until(5), ['connect', 'a=5000', 'pingreq', 'b=0', 'pingreq']);
    assert.equal(wire.traffic.received, bytes.length);
  });

  it('hands up acknowledgements by type and identifier', async () => {
    await using wire = await open();
    wire.send(CONNECT, { type: 'puback', packetId: 9, reasonCode: 0, properties: {} });
    assert.deepEqual(await wire.handlers.until(2), ['connect', 'ack 4 9']);
  });

  it('tells a second CONNECT that it is an error of protocol, whatever else is wrong with it [MQTT-3.1.0-2]', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    // An unknown protocol alone would be 0x84, which no DISCONNECT may carry.
    wire.client.write(Buffer.from('100c00044d515458050200000000', 'hex'));
    const [answer] = await wire.answers();
    assert.deepEqual(answer?.type === 'disconnect' && answer.reasonCode, ReasonCode.protocolError);
  });

  it('ends when anything but CONNECT comes first [MQTT-3.1.0-1], and says nothing', async () => {
    await using wire = await open();
    wire.send(PING);
    assert.deepEqual(await wire.answers(), []);
    assert.equal(wire.handlers.closeReason, CLOSE_REASONS.protocolError);
  });

  it('leaves a CONNECT that cannot be read to be answered', async () => {
    await using wire = await open();
    wire.client.write(Buffer.from([0x10, 2, 0, 9]));
    assert.deepEqual(await wire.handlers.until(2), [`malformed connect ${ReasonCode.malformedPacket}`, 'closed']);
  });

  it('reads nothing more until CONNECT has been answered, and then what came meanwhile', async () => {
    await using wire = await open();
    wire.handlers.acceptConnect = false;
    wire.send(CONNECT, publish('early', '1'));
    assert.deepEqual(await wire.handlers.until(1), ['connect']);
    wire.connection.stage = 'connected';
    wire.connection.resume();
    assert.deepEqual(wire.handlers.log, ['connect', 'early=1']);
    wire.send(publish('late', 'xx'));
    assert.deepEqual(await wire.handlers.until(3), ['connect', 'early=1', 'late=2']);
  });

  it('takes nothing to send before CONNACK [MQTT-3.2.0-1]', async () => {
    await using wire = await open();
    wire.handlers.acceptConnect = false;
    wire.send(CONNECT);
    await wire.handlers.until(1);
    assert.deepEqual([wire.connection.saturated, wire.connection.hasRoomFor(1)], [true, false]);
    wire.connection.stage = 'connected';
    assert.deepEqual([wire.connection.saturated, wire.connection.hasRoomFor(1)], [false, true]);
  });

  it('stops reading while the broker is overloaded, and goes on when told', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.handlers.overloaded = true;
    wire.send(publish('first', ''));
    assert.deepEqual(await wire.handlers.until(3), ['connect', 'first=0', 'paused']);
    wire.send(publish('second', ''));
    wire.handlers.overloaded = false;
    wire.connection.resume();
    assert.equal((await wire.handlers.until(4)).at(-1), 'second=0');
  });

  for (const [what, bytes, reason] of [
    ['a packet larger than allowed, before its body has come', Buffer.from([0x30, 0xff, 0xff, 0x7f]), 'packetTooLarge'],
    ['a length that is none', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]), 'malformedPacket'],
    ['a PUBLISH that cannot be read', Buffer.from([0x30, 3, 0, 9, 0x61]), 'malformedPacket'],
    ['an acknowledgement that cannot be read', Buffer.from([0x40, 1, 0]), 'malformedPacket'],
    ['a packet that cannot be read', Buffer.from([0x82, 1, 0]), 'malformedPacket'],
  ] as const)
    it(`ends with DISCONNECT and the reason [MQTT-4.13.1-1] at ${what}`, async () => {
      await using wire = await open();
      wire.send(CONNECT);
      await wire.handlers.until(1);
      wire.client.write(bytes);
      const [disconnect] = await wire.answers();
      assert.ok(disconnect?.type === 'disconnect');
      assert.equal(disconnect.reasonCode, ReasonCode[reason]);
      assert.equal(wire.handlers.closeReason, CLOSE_REASONS[reason]);
    });

  it('sends MQTT 3.1.1 clients no DISCONNECT, which only they may send [MQTT-3.14.0-1]', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.connection.version = 4;
    wire.connection.close(CLOSE_REASONS.sessionTakenOver);
    assert.deepEqual(await wire.answers(), []);
  });

  it('sends what it was given before it closes', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.connection.send(encodePacket({ type: 'pingresp' }, 5));
    wire.connection.close(CLOSE_REASONS.clientDisconnect);
    assert.deepEqual(await wire.answers(), [{ type: 'pingresp' }]);
    assert.ok(wire.connection.closed);
  });

  it('tells once that it is closed, by what ended it first', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.client.end();
    await wire.handlers.until(2);
    wire.connection.close(CLOSE_REASONS.serverError);
    assert.deepEqual(wire.handlers.log, ['connect', 'closed']);
    assert.equal(wire.handlers.closeReason, CLOSE_REASONS.clientClosed);
  });

  it('reads no more from a client that leaves its answers unread, and goes on when it reads them', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.client.pause();
    const piece = Buffer.alloc(50_000);
    while (wire.connection.hasRoomFor(piece.length)) {
      wire.connection.send(piece);
      await new Promise(setImmediate);
    }
    wire.connection.send(piece);
    wire.send(PING);
    await wire.handlers.until(2);
    const { received } = wire.traffic;
    wire.send(PING);
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    assert.equal(wire.traffic.received, received);
    wire.client.resume();
    assert.deepEqual(await wire.handlers.until(4), ['connect', 'pingreq', 'drained', 'pingreq']);
  });

  it('has no room for more than its limit while its client does not read, and has again when it does', async () => {
    await using wire = await open();
    wire.send(CONNECT);
    await wire.handlers.until(1);
    wire.client.pause();
    const piece = Buffer.alloc(50_000);
    while (wire.connection.hasRoomFor(piece.length)) {
      wire.connection.send(piece);
      await new Promise(setImmediate);
    }
    assert.ok(wire.connection.saturated);
    wire.client.resume();
    assert.deepEqual(await wire.handlers.until(2), ['connect', 'drained']);
    assert.ok(wire.connection.hasRoomFor(piece.length));
  });
});
