import type { TokenBucket } from '../../base/token-bucket.ts';
import type { ListenerConfig } from '../../config/schema.ts';
import { type AckView, parseAck } from '../../mqtt/ack.ts';
import { decodePacket } from '../../mqtt/codec/decode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../mqtt/frame.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import type { Packet, ProtocolVersion } from '../../mqtt/packets.ts';
import { parsePublish } from '../../mqtt/parse-publish.ts';
import { PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { reasonStringOf } from '../../mqtt/reason-string.ts';
import { headMemory } from '../../telemetry/sampling/trace-head.ts';
import type { Client } from '../auth/access-control.ts';
import type { AccessDecision, Principal } from '../auth/access-rules.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import type { AdmissionRefusal } from '../limits/connection-admission.ts';
import type { Receiver } from '../session/receiver.ts';
import type { Session } from '../session/session.ts';
import type { ConnectionEnd } from '../session/will.ts';
import type { Transport } from '../transport/transport.ts';
import { encodeAnswer } from './answer.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { CLOSE_REASONS, type CloseReason, closeReasonFor } from './close-reason.ts';
import { InboundBytes } from './inbound-bytes.ts';
import { Outbox, type Traffic } from './outbox.ts';
import type { TopicAliases } from './topic-aliases.ts';
import type { Turn } from './turn.ts';

/** What a connection hands up; none of it may throw. */
export interface PacketHandlers {
  /** A PUBLISH that lies at `[start, end)` of `buffer` and is described by `view`. */
  publish(connection: Connection, buffer: Buffer, start: number, end: number, view: PublishView): void;
  /** Everything that was read has been handed up. */
  endRead(connection: Connection, buffer: Buffer): void;
  acknowledge(connection: Connection, packetType: number, packetId: number, reasonCode: ReasonCode): void;
  packet(connection: Connection, packet: Packet): void;
  /** The first packet was a CONNECT that cannot be taken. */
  malformedConnect(connection: Connection, reasonCode: ReasonCode, version: ProtocolVersion): void;
  /** True while no more should be read from clients. */
  readonly overloaded: boolean;
  /** The connection stopped reading because of `overloaded`; call `resume` when that is over. */
  paused(connection: Connection): void;
  drained(connection: Connection): void;
  closed(connection: Connection, reason: CloseReason): void;
}

export interface ConnectionLimits {
  /** Of packets that the client sends. */
  readonly maximumPacketSize: number;
  readonly maximumQueuedBytes: number;
  readonly maximumQos: number;
}

/** What all connections of a process share. */
export interface ConnectionShared {
  readonly handlers: PacketHandlers;
  readonly pool: ChunkPool;
  readonly turn: Turn;
  readonly traffic: Traffic;
  /** Counts seconds: cheap enough to note with every read. */
  readonly seconds: { value: number };
}

/**
 * `opened` waits for CONNECT, `connecting` for its answer; nothing else is read meanwhile. `authenticating`: CONNECT has
 * been answered by AUTH, and only AUTH or DISCONNECT may come [MQTT-3.1.2-30].
 */
export type ConnectionStage = 'opened' | 'connecting' | 'authenticating' | 'connected' | 'closed';

const frame = new FrameScan();
const view = new PublishView();
const ack: AckView = { packetId: 0, reasonCode: ReasonCode.success };

/** One client's way in: bytes in, packets up; packets down, bytes out. What the packets mean is the handlers' business. */
export class Connection implements Receiver, Client {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly listener: ListenerConfig;
  /** In front of every topic of the client; see mqtt/mount-point.ts. Empty for none. */
  readonly mountPoint: string;
  readonly limits: ConnectionLimits;
  /** The connection is beyond a limit: all that becomes of it is a CONNACK that says so. */
  readonly refusal: AdmissionRefusal | undefined;
  version: 4 | 5 = 4;
  maximumPacketSize = Number.POSITIVE_INFINITY;
  wantsReasons = true;
  aliasesToClient: TopicAliases | undefined;
  stage: ConnectionStage = 'opened';
  session: Session | undefined;
  keepAliveSeconds = 0;
  readonly openedAt: number;
  /** In seconds of the shared counter. */
  lastReadAt: number;
  /** QoS 1 and 2 messages of the client that have not been answered to the end: its use of our Receive Maximum. */
  inboundPending = 0;
  /** The client's topic aliases, by number. */
  readonly topicAliases: (BrokerTopic | undefined)[] = [];
  /** The topic last published to and whether that was allowed: most clients publish to one. */
  lastTopic: BrokerTopic | undefined;
  lastDecision: AccessDecision = { allowed: false, rule: 'default' };
  lastAccessVersion = 0;
  /** Set when it is known how the connection ends; a connection that just breaks is lost. */
  connectionEnd: ConnectionEnd = { type: 'lost' };
  /** Of a span that tells already why the connection ends. */
  faultContext: Uint8Array | undefined;
  /** How the client proved who it is. */
  authMethod = 'none';
  /** Unix milliseconds at which that proof is no longer one. */
  authExpiresAt = Number.POSITIVE_INFINITY;
  /** The method of its CONNECT, which every AUTH must name [MQTT-4.12.1-1]. */
  enhancedMethod: string | undefined;
  principal: Principal;
  /** Where the recorder wrote about the client last. */
  tracePosition = 0;
  /** Where it wrote the rule of `lastDecision`. */
  readonly lastRule = { tracePosition: 0 };
  /** The rate at which the traces of its messages to the last topic are chosen. */
  readonly lastHead = headMemory();
  /** How many it may choose by its sampled flags. */
  forcedShare: TokenBucket | undefined;
  readonly #outbox: Outbox;
  readonly #transport: Transport;
  readonly #shared: ConnectionShared;
  readonly #held = new InboundBytes();
  #waitingFor: 'nothing' | 'journal' | 'client' | 'answer' = 'nothing';

  constructor(
    id: number,
    transport: Transport,
    listener: ListenerConfig,
    limits: ConnectionLimits,
    refusal: AdmissionRefusal | undefined,
    openedAt: number,
    shared: ConnectionShared,
  ) {
    this.id = id;
    this.listener = listener;
    this.mountPoint = listener.mountPoint ?? '';
    this.limits = limits;
    this.refusal = refusal;
    this.openedAt = openedAt;
    this.lastReadAt = shared.seconds.value;
    this.#shared = shared;
    this.#transport = transport;
    this.remoteAddress = transport.remoteAddress;
    this.remotePort = transport.remotePort;
    this.principal = { clientId: '', username: undefined, address: this.remoteAddress, listener: listener.name };
    const sink = transport.start({
      read: (buffer, count) => this.#read(buffer, count),
      ended: (reason) => this.#end(reason),
    });
    this.#outbox = new Outbox(sink, shared.pool, shared.turn, shared.traffic, () => this.#drained());
  }

  get listenerName(): string {
    return this.listener.name;
  }

  /** Only of a certificate that was verified. */
  get certificateIdentity(): string | undefined {
    return this.#transport.certificateIdentity;
  }

  get clientId(): string {
    return this.session?.clientId ?? this.principal.clientId;
  }

  get sessionNumber(): number {
    return this.session?.number ?? 0;
  }

  get userName(): string {
    return this.principal.username ?? '';
  }

  get closed(): boolean {
    return this.stage === 'closed';
  }

  get output(): Uint8Array {
    return this.#outbox.buffer;
  }

  get saturated(): boolean {
    // Nothing may come before CONNACK [MQTT-3.2.0-1].
    return this.#outbox.blocked || this.stage !== 'connected';
  }

  reserve(size: number): number {
    return this.#outbox.reserve(size);
  }

  /** Appends bytes that are already a packet, or a run of packets. */
  send(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#outbox.push(bytes, start, end);
  }

  hasRoomFor(size: number): boolean {
    if (this.stage !== 'connected') return false;
    return !this.#outbox.blocked || this.#outbox.pendingBytes + size <= this.limits.maximumQueuedBytes;
  }

  /** It is the broker that does not read: the client's silence says nothing. */
  get awaitsBroker(): boolean {
    return this.#waitingFor === 'journal' || this.#waitingFor === 'answer';
  }

  /** Goes on after CONNECT has been answered, or after the journal has caught up. */
  resume(): void {
    if (this.closed || this.#waitingFor === 'answer') return;
    this.#waitingFor = 'nothing';
    if (this.#held.length > 0) this.#consumeHeld();
    if (!this.#isHeldUp()) this.#transport.resume();
  }

  /** Reads no further packet until this one, which takes several turns of the event loop, has been `answered`. */
  awaitAnswer(): void {
    this.#waitingFor = 'answer';
  }

  answered(): void {
    this.#waitingFor = 'nothing';
    this.resume();
  }

  close(reason: CloseReason): void {
    if (this.closed) return;
    this.#outbox.flush();
    this.#end(reason);
  }

  #end(reason: CloseReason): void {
    if (this.closed) return;
    const wasConnected = this.stage === 'connected';
    this.stage = 'closed';
    this.#shared.handlers.closed(this, reason);
    if (wasConnected && this.version === 5) this.#sendDisconnect(reason);
    this.#outbox.flush();
    this.#outbox.close();
    this.#transport.close(reason);
  }

  #sendDisconnect({ reasonCode, serverReference }: CloseReason): void {
    if (reasonCode === undefined) return;
    const properties = serverReference === undefined ? {} : { serverReference };
    const bytes = encodeAnswer({ type: 'disconnect', reasonCode, properties }, reasonStringOf(reasonCode), this);
    if (bytes !== undefined) this.send(bytes);
  }

  #read(buffer: Buffer, count: number): boolean {
    if (this.closed) return false;
    this.lastReadAt = this.#shared.seconds.value;
    this.#shared.traffic.received += count;
    if (this.#held.length > 0) {
      this.#held.append(buffer, 0, count);
      if (!this.#isHeldUp()) this.#consumeHeld();
    } else {
      const consumed = this.#parse(buffer, 0, count);
      if (consumed < count && !this.closed) this.#held.append(buffer, consumed, count);
    }
    return !this.#isHeldUp();
  }

  #isHeldUp(): boolean {
    return this.stage === 'connecting' || this.#waitingFor !== 'nothing';
  }

  #consumeHeld(): void {
    const held = this.#held;
    const consumed = this.#parse(held.buffer, 0, held.length);
    if (!this.closed) held.consume(consumed);
  }

  /** Hands up every complete packet of `[start, end)` and returns where the first incomplete one begins. */
  #parse(buffer: Buffer, start: number, end: number): number {
    const { handlers } = this.#shared;
    const { limits } = this;
    let at = start;
    while (at < end && !this.closed && this.stage !== 'connecting' && this.#waitingFor !== 'answer') {
      const status = scanFrame(buffer, at, end, limits.maximumPacketSize, frame);
      if (status === FrameStatus.incomplete) break;
      if (status !== FrameStatus.complete) {
        this.#fail(status === FrameStatus.tooLarge ? ReasonCode.packetTooLarge : ReasonCode.malformedPacket);
        break;
      }
      const packetEnd = frame.end;
      this.#handUp(buffer, at, frame.headerByte, frame.bodyStart, packetEnd);
      at = packetEnd;
    }
    handlers.endRead(this, buffer);
    if (!this.closed && this.#waitingFor === 'nothing') this.#holdUp();
    return at;
  }

  /** Reads no more while the journal is behind, or while the client leaves unread what it has been answered. */
  #holdUp(): void {
    const { handlers } = this.#shared;
    const { limits } = this;
    if (handlers.overloaded) {
      this.#waitingFor = 'journal';
      handlers.paused(this);
    } else if (this.#outbox.blocked && this.#outbox.pendingBytes > limits.maximumQueuedBytes)
      this.#waitingFor = 'client';
  }

  #drained(): void {
    this.#shared.handlers.drained(this);
    if (this.#waitingFor === 'client') this.resume();
  }

  #handUp(buffer: Buffer, start: number, headerByte: number, bodyStart: number, end: number): void {
    const type = headerByte >> 4;
    if (this.stage !== 'connected') {
      if (this.#mayComeEarly(type)) this.#decode(buffer, headerByte, bodyStart, end);
      else this.#end(CLOSE_REASONS.protocolError);
      return;
    }
    if (type === PacketType.publish) {
      const failure = parsePublish(buffer, headerByte, bodyStart, end, this.version, view);
      if (failure === ReasonCode.success) this.#shared.handlers.publish(this, buffer, start, end, view);
      else this.#fail(failure);
    } else if (type >= PacketType.puback && type <= PacketType.pubcomp) {
      const failure = parseAck(buffer, headerByte, bodyStart, end, this.version, ack);
      if (failure === ReasonCode.success) this.#shared.handlers.acknowledge(this, type, ack.packetId, ack.reasonCode);
      else this.#fail(failure);
    } else this.#decode(buffer, headerByte, bodyStart, end);
  }

  #mayComeEarly(type: number): boolean {
    // [MQTT-3.1.0-1]: nothing but CONNECT comes first.
    if (this.stage === 'opened') return type === PacketType.connect;
    return type === PacketType.auth || type === PacketType.disconnect;
  }

  #decode(buffer: Buffer, headerByte: number, bodyStart: number, end: number): void {
    // Messages that came before stay before: a run must not wait behind this packet.
    this.#shared.handlers.endRead(this, buffer);
    const result = decodePacket(buffer, headerByte, bodyStart, end, this.version);
    if (result.ok) this.#shared.handlers.packet(this, result.packet);
    else if (this.stage === 'opened') this.#shared.handlers.malformedConnect(this, result.reasonCode, result.version);
    // What is wrong with a second CONNECT does not matter, and may be what no DISCONNECT can say [MQTT-3.1.0-2].
    else this.#fail(headerByte >> 4 === PacketType.connect ? ReasonCode.protocolError : result.reasonCode);
  }

  #fail(reasonCode: ReasonCode): void {
    this.close(closeReasonFor(reasonCode));
  }
}
