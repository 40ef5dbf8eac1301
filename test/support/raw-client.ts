import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { decodePacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../src/mqtt/frame.ts';
import type {
  ConnackPacket,
  ConnectPacket,
  Packet,
  ProtocolVersion,
  PublishPacket,
  Qos,
  SubackPacket,
  Subscription,
} from '../../src/mqtt/packets.ts';
import type { PropertiesOf } from '../../src/mqtt/property.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { Inbox } from './inbox.ts';

export type PacketOf<Type extends Packet['type']> = Extract<Packet, { type: Type }>;
export type SubscriptionRequest = string | (Partial<Subscription> & { filter: string });

export interface ConnectOptions extends Partial<Omit<ConnectPacket, 'type'>> {
  readonly port: number;
  readonly host?: string;
}

export interface PublishOptions {
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly duplicate?: boolean;
  readonly packetId?: number;
  readonly properties?: PropertiesOf<'publish'>;
}

const LARGEST_PACKET_BYTES = 268_435_460;

/** An MQTT client that does nothing by itself: every packet is sent by the test, and seen by it. */
export class RawClient implements AsyncDisposable {
  readonly version: ProtocolVersion;
  readonly #socket: Duplex;
  readonly #inbox = new Inbox<Packet>((packet) => packet.type);
  readonly #closed: Promise<void>;
  #bytes: Uint8Array = new Uint8Array(0);
  #lastPacketId = 0;

  private constructor(socket: Duplex, version: ProtocolVersion) {
    this.#socket = socket;
    this.version = version;
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk) => this.#receive(chunk));
    // A reset is one way for a connection to end; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#inbox.close(new Error('the connection was closed')));
  }

  /** A TCP connection, and no packet yet. */
  static async open(port: number, version: ProtocolVersion = 5, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket, version);
  }

  /** On a connection that the test has made, over whatever transport. */
  static over(stream: Duplex, version: ProtocolVersion = 5): RawClient {
    return new RawClient(stream, version);
  }

  /** Connected, with the CONNACK, which must be a success. */
  static async connect(options: ConnectOptions): Promise<RawClient & { readonly connack: ConnackPacket }> {
    const client = await RawClient.open(options.port, options.protocolVersion, options.host);
    return client.handshake(options);
  }

  /** Sends CONNECT and takes the CONNACK, which must be a success. */
  async handshake(options: Omit<ConnectOptions, 'port' | 'host'>): Promise<this & { readonly connack: ConnackPacket }> {
    this.sendConnect(options);
    const connack = await this.expect('connack');
    assert.equal(connack.reasonCode, ReasonCode.success);
    return Object.assign(this, { connack });
  }

  sendConnect(options: Omit<ConnectOptions, 'port' | 'host'>): void {
    this.send(connectPacket({ protocolVersion: this.version, ...options }));
  }

  send(...packets: Packet[]): void {
    this.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next packet, whatever it is; rejects when the connection has ended and all it brought has been taken. */
  next(): Promise<Packet> {
    return this.#inbox.take('a packet');
  }

  /** The next packet, which must be of this type. */
  async expect<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    const packet = await this.#inbox.take(type);
    assert.equal(packet.type, type, `expected ${type}, got ${JSON.stringify(packet)}`);
    return packet as PacketOf<Type>;
  }

  /** The first packet of this type; others before it stay. */
  async take<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    return (await this.#inbox.take(type, (packet) => packet.type === type)) as PacketOf<Type>;
  }

  /** The next PUBLISH as text, to compare sequences. */
  async expectPayload(): Promise<string> {
    return payloadOf(await this.expect('publish'));
  }

  /** All that the broker sent before it answered this PINGREQ has been taken. */
  async expectNothing(): Promise<void> {
    this.send({ type: 'pingreq' });
    await this.expect('pingresp');
  }

  /** The broker ends the connection, with nothing more said. */
  async expectClose(): Promise<void> {
    await this.#closed;
    assert.deepEqual(this.#inbox.waiting, []);
  }

  /** The connection has ended, whatever was said before. */
  ended(): Promise<void> {
    return this.#closed;
  }

  /** MQTT 5: DISCONNECT with this reason, and the end. */
  async expectDisconnect(reasonCode: ReasonCode): Promise<void> {
    const packet = await this.expect('disconnect');
    assert.equal(packet.reasonCode, reasonCode);
    await this.expectClose();
  }

  /** Subscribes and returns the SUBACK; filters alone are asked at QoS 2. */
  async subscribe(
    requests: SubscriptionRequest | readonly SubscriptionRequest[],
    properties: PropertiesOf<'subscribe'> = {},
  ): Promise<SubackPacket> {
    const subscriptions = [requests].flat().map(subscriptionOf);
    this.send({ type: 'subscribe', packetId: this.nextPacketId(), subscriptions, properties });
    return this.take('suback');
  }

  async unsubscribe(...filters: string[]): Promise<PacketOf<'unsuback'>> {
    this.send({ type: 'unsubscribe', packetId: this.nextPacketId(), filters, properties: {} });
    return this.take('unsuback');
  }

  /** Sends a PUBLISH and returns its packet id without waiting. */
  sendPublish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): number {
    const packet = publishPacket(topic, payload, options, () => this.nextPacketId());
    this.send(packet);
    return packet.packetId;
  }

  /** Publishes up to the end of the handshake; returns the reason code of PUBACK or PUBREC. */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<ReasonCode> {
    const packetId = this.sendPublish(topic, payload, options);
    if (!options.qos) return ReasonCode.success;
    if (options.qos === 1) return (await this.take('puback')).reasonCode;
    const { reasonCode } = await this.take('pubrec');
    if (reasonCode >= ReasonCode.unspecifiedError) return reasonCode;
    this.sendAck('pubrel', packetId);
    await this.take('pubcomp');
    return reasonCode;
  }

  sendAck(type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetId: number, reasonCode: ReasonCode = 0): void {
    this.send({ type, packetId, reasonCode, properties: {} });
  }

  /** Takes the next PUBLISH and acknowledges it to the end. */
  async receive(): Promise<PublishPacket> {
    const packet = await this.expect('publish');
    if (packet.qos === 1) this.sendAck('puback', packet.packetId);
    if (packet.qos === 2) {
      this.sendAck('pubrec', packet.packetId);
      const { packetId } = await this.take('pubrel');
      this.sendAck('pubcomp', packetId);
    }
    return packet;
  }

  nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 0xffff) + 1;
    return this.#lastPacketId;
  }

  /** Says goodbye and waits until the broker has closed. */
  async disconnect(reasonCode: ReasonCode = 0, properties: PropertiesOf<'disconnect'> = {}): Promise<void> {
    this.send({ type: 'disconnect', reasonCode, properties });
    await this.#closed;
  }

  /** The network is gone: no DISCONNECT. */
  async drop(): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }

  /** Reads no more, so that the broker's writes pile up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #receive(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const scan = new FrameScan();
    let start = 0;
    while (scanFrame(this.#bytes, start, this.#bytes.length, LARGEST_PACKET_BYTES, scan) === FrameStatus.complete) {
      const result = decodePacket(this.#bytes, scan.headerByte, scan.bodyStart, scan.end, this.version);
      assert(result.ok, result.ok ? '' : `the broker sent what is not MQTT: ${result.message}`);
      this.#inbox.push(result.packet);
      start = scan.end;
    }
    this.#bytes = this.#bytes.subarray(start);
  }
}

export function connectPacket(options: Omit<ConnectOptions, 'port' | 'host'>): ConnectPacket {
  const { protocolVersion = 5, cleanStart = true, keepAliveSeconds = 0, clientId = '', properties = {} } = options;
  const { will, userName, password } = options;
  return {
    type: 'connect',
    protocolVersion,
    cleanStart,
    keepAliveSeconds,
    clientId,
    properties,
    ...(will && { will }),
    ...(userName !== undefined && { userName }),
    ...(password && { password }),
  };
}

/** A PUBLISH; `packetId` is asked for where the QoS needs one and the options name none. */
export function publishPacket(
  topic: string,
  payload: string | Uint8Array,
  options: PublishOptions,
  packetId: () => number,
): PublishPacket {
  const { qos = 0, retain = false, duplicate = false, properties = {} } = options;
  return {
    type: 'publish',
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos,
    retain,
    duplicate,
    packetId: qos === 0 ? 0 : (options.packetId ?? packetId()),
    properties,
  };
}

export function payloadOf(packet: PublishPacket): string {
  return Buffer.from(packet.payload).toString();
}

function subscriptionOf(request: SubscriptionRequest): Subscription {
  const defaults = { qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return typeof request === 'string' ? { filter: request, ...defaults } : { ...defaults, ...request };
}
