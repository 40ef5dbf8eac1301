import { ChunkPool } from '../../src/broker/connection/chunk-pool.ts';
import { CLOSE_REASONS } from '../../src/broker/connection/close-reason.ts';
import { Connection, type PacketHandlers } from '../../src/broker/connection/connection.ts';
import type { Outbox } from '../../src/broker/connection/outbox.ts';
import { Turn } from '../../src/broker/connection/turn.ts';
import { TestSink } from '../../src/broker/testing/test-sink.ts';
import type { Transport, TransportReader } from '../../src/broker/transport/transport.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { ConnectPacket } from '../../src/mqtt/packets.ts';

const LISTENER = loadConfig({ environment: {} }).listeners[0]!;
const LIMITS = { maximumPacketSize: 65_536, maximumQueuedBytes: 1_000_000, maximumQos: 2 };

/** What a connection handed up, in order, as values that do not lie in the read buffer. */
class Recording implements PacketHandlers {
  readonly events: unknown[] = [];
  readonly overloaded = false;

  publish: PacketHandlers['publish'] = (_connection, buffer, start, end, view) => {
    const { topicStart, payloadStart, propertiesStart, propertiesEnd, packetId, topicAlias } = view;
    const where = [topicStart, payloadStart, propertiesStart, propertiesEnd].map((position) => position - start);
    this.events.push(['publish', buffer.toString('latin1', start, end), where, packetId, topicAlias]);
  };
  acknowledge: PacketHandlers['acknowledge'] = (_connection, type, packetId, reasonCode) => {
    this.events.push(['acknowledge', type, packetId, reasonCode]);
  };
  packet: PacketHandlers['packet'] = (connection, packet) => {
    if (connection.stage === 'opened') connection.stage = 'connected';
    this.events.push(packet);
  };
  malformedConnect: PacketHandlers['malformedConnect'] = (connection, reasonCode, version) => {
    this.events.push(['malformedConnect', reasonCode, version]);
    connection.close(CLOSE_REASONS.malformedPacket);
  };
  closed: PacketHandlers['closed'] = (_connection, reason) => {
    this.events.push(['closed', reason]);
  };
  endRead: PacketHandlers['endRead'] = () => undefined;
  paused: PacketHandlers['paused'] = () => undefined;
  drained: PacketHandlers['drained'] = () => undefined;
}

/** A transport whose bytes the test brings. */
class Feed implements Transport {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 1;
  readonly certificateIdentity = undefined;
  reader: TransportReader | undefined;

  start(reader: TransportReader): TestSink {
    this.reader = reader;
    return new TestSink();
  }
  resume(): void {}
  close(): void {}
  destroy(): void {}
}

/**
 * What the broker's connection hands up of these chunks, each in a read of its own. Without `version` the chunks begin
 * the connection; with it they come behind a CONNECT. The read buffer is overwritten after each read, as it is shared.
 */
export function readByConnection(chunks: readonly Uint8Array[], version?: 4 | 5): unknown[] {
  const handlers = new Recording();
  const shared = {
    handlers,
    pool: new ChunkPool(),
    turn: new Turn(),
    traffic: { received: 0, sent: 0, blocked: new Set<Outbox>() },
    seconds: { value: 0 },
  };
  const feed = new Feed();
  const connection = new Connection(1, feed, LISTENER, LIMITS, undefined, 0, shared);
  if (version !== undefined) connection.version = version;
  for (const chunk of version === undefined ? chunks : [connectOf(version), ...chunks]) {
    const buffer = Buffer.from(chunk);
    feed.reader!.read(buffer, buffer.length);
    buffer.fill(0xff);
  }
  return handlers.events;
}

function connectOf(protocolVersion: 4 | 5): Buffer {
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: 'c',
    properties: {},
  };
  return encodePacket(packet, protocolVersion);
}
