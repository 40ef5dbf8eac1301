import type { Clock } from '../../base/clock.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import type { DisconnectPacket, Packet, ProtocolVersion } from '../../mqtt/packets.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import type { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, LOG_EVENTS, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type Recorder } from '../../telemetry/recorder.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { Connection, PacketHandlers } from '../connection/connection.ts';
import { expiryAtDisconnect } from '../session/expiry.ts';
import type { AckHandler } from './ack-handler.ts';
import type { ConnectHandler } from './connect-handler.ts';
import type { EnhancedAuthentication } from './enhanced-authentication.ts';
import type { PublishHandler } from './publish-handler.ts';
import type { SessionLifecycle } from './session-lifecycle.ts';
import { contextOf } from './span-context.ts';
import type { SubscribeHandler } from './subscribe-handler.ts';

const PINGS = counterId(METRICS.requestsTotal, 'pingreq');
const DISCONNECTS = counterId(METRICS.requestsTotal, 'disconnect');
/** The broker ends these connections, and nobody did wrong. */
const WITHOUT_FAULT: ReadonlySet<CloseReason['label']> = new Set([
  'server_shutdown',
  'session_taken_over',
  'use_another_server',
  'administrative',
]);
const SESSION_EXPIRY_HIT = counterId(METRICS.limitsHitTotal, 'session_expiry');
const PACKET_SIZE_HIT = counterId(METRICS.limitsHitTotal, 'packet_size');
/** What an operator looks for in log and traces when a device complains, and in which words. */
const FAULTS: ReadonlyMap<CloseReason['label'], string> = new Map([
  ['socket_error', 'the network failed'],
  ['connect_timeout', 'no CONNECT came in time'],
  ['keep_alive_timeout', 'nothing came for longer than the client had announced'],
  ['malformed_packet', 'a packet could not be read'],
  ['protocol_error', 'the protocol does not allow the packet'],
  ['packet_too_large', 'a packet was too large'],
  ['quota_exceeded', 'the client exceeded a quota'],
]);
const CLOSED = new Map<CloseReason['label'], number>();

/** Which handler takes which packet. */
export class PacketDispatch implements PacketHandlers {
  readonly #connect: ConnectHandler;
  readonly #enhanced: EnhancedAuthentication;
  readonly #publish: PublishHandler;
  readonly #acks: AckHandler;
  readonly #subscribe: SubscribeHandler;
  readonly #lifecycle: SessionLifecycle;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #expiryMaximumSeconds: number;
  readonly #isOverloaded: () => boolean;
  readonly #onClosed: (connection: Connection) => void;
  /** Connections that are not read from until the journal has caught up. */
  readonly #waiting = new Set<Connection>();

  constructor(parts: {
    connect: ConnectHandler;
    enhanced: EnhancedAuthentication;
    publish: PublishHandler;
    acks: AckHandler;
    subscribe: SubscribeHandler;
    lifecycle: SessionLifecycle;
    recorder: Recorder;
    metrics: Metrics;
    log: Log;
    clock: Clock;
    expiryMaximumSeconds: number;
    isOverloaded: () => boolean;
    onClosed: (connection: Connection) => void;
  }) {
    this.#connect = parts.connect;
    this.#enhanced = parts.enhanced;
    this.#publish = parts.publish;
    this.#acks = parts.acks;
    this.#subscribe = parts.subscribe;
    this.#lifecycle = parts.lifecycle;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#expiryMaximumSeconds = parts.expiryMaximumSeconds;
    this.#isOverloaded = parts.isOverloaded;
    this.#onClosed = parts.onClosed;
  }

  get overloaded(): boolean {
    return this.#isOverloaded();
  }

  /** Connections that are not read from for now. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  publish(connection: Connection, buffer: Buffer, start: number, end: number, view: PublishView): void {
    this.#publish.publish(connection, buffer, start, end, view);
  }

  endRead(): void {
    this.#publish.endRead();
    this.#acks.endRead();
  }

  acknowledge(connection: Connection, packetType: number, packetId: number, reasonCode: ReasonCode): void {
    this.#acks.acknowledge(connection, packetType, packetId, reasonCode);
  }

  packet(connection: Connection, packet: Packet): void {
    if (connection.stage === 'opened' && packet.type === 'connect') {
      this.#connect.connect(connection, packet);
      return;
    }
    switch (packet.type) {
      case 'subscribe':
        this.#subscribe.subscribe(connection, packet);
        return;
      case 'unsubscribe':
        this.#subscribe.unsubscribe(connection, packet);
        return;
      case 'pingreq':
        this.#ping(connection);
        return;
      case 'disconnect':
        this.#disconnect(connection, packet);
        return;
      case 'auth':
        this.#enhanced.auth(connection, packet);
        return;
      default:
        // A second CONNECT [MQTT-3.1.0-2], or a packet that only servers send.
        connection.close(CLOSE_REASONS.protocolError);
    }
  }

  malformedConnect(connection: Connection, reasonCode: ReasonCode, version: ProtocolVersion): void {
    this.#connect.refuseMalformed(connection, reasonCode, version);
  }

  paused(connection: Connection): void {
    this.#waiting.add(connection);
  }

  /** To be called when a batch has been committed. */
  resumeWaiting(): void {
    if (this.#waiting.size === 0 || this.#isOverloaded()) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const connection of waiting) connection.resume();
  }

  drained(connection: Connection): void {
    if (connection.session !== undefined) this.#acks.roomMade(connection.session);
  }

  closed(connection: Connection, reason: CloseReason): void {
    this.#waiting.delete(connection);
    this.#enhanced.closed(connection);
    if (connection.refusal !== undefined) {
      // It was counted as a limit that was hit, and never as a connection.
      this.#onClosed(connection);
      return;
    }
    this.#metrics.add(closedId(reason.label), 1);
    if (reason.label === 'packet_too_large') this.#metrics.add(PACKET_SIZE_HIT, 1);
    const isFault = FAULTS.has(reason.label);
    const isGoodbye = connection.session !== undefined && reason.reasonCode !== undefined;
    const isToTell = connection.faultContext === undefined && (isFault || isGoodbye);
    const context = isToTell ? this.#traceGoodbye(connection, reason) : connection.faultContext;
    if (isFault) this.#tellFault(connection, reason, context);
    this.#lifecycle.leave(connection, reason, connection.connectionEnd);
    this.#onClosed(connection);
  }

  #tellFault(connection: Connection, reason: CloseReason, context: Uint8Array | undefined): void {
    const { listenerName, remoteAddress, session } = connection;
    const fields = {
      listener: listenerName,
      address: remoteAddress,
      clientId: session?.clientId,
      reason: reason.label,
    };
    this.#log.write(LOG_EVENTS.connectionFailed, fields, context);
  }

  /**
   * The broker ends a connection, or the network does: an MQTT 5 client is told why, the trace is told in any case, also
   * where the client has not said who it is. Returns the span's context, for the log.
   */
  #traceGoodbye(connection: Connection, { label, reasonCode }: CloseReason): Uint8Array | undefined {
    const { clientId, session, remoteAddress, remotePort } = connection;
    const at = this.#clock.now();
    const span = this.#recorder.root(SPANS.mqttDisconnect, at, connection);
    if (span === NO_SPAN) return undefined;
    if (clientId !== '') this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, clientId);
    if (reasonCode !== undefined) this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, reasonCode);
    if (session !== undefined) this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(session.number));
    this.#recorder.attribute(span, ATTRIBUTES.networkPeerAddress, remoteAddress);
    this.#recorder.attribute(span, ATTRIBUTES.networkPeerPort, remotePort);
    if (!WITHOUT_FAULT.has(label))
      this.#recorder.fail(span, label, FAULTS.get(label) ?? 'the broker ended the connection');
    const context = contextOf(this.#recorder, span);
    this.#recorder.end(span, this.#clock.now());
    return context;
  }

  /** [MQTT-3.12.4-1] */
  #ping(connection: Connection): void {
    const startedAt = this.#clock.now();
    const span = this.#recorder.root(SPANS.mqttPingreq, startedAt, connection);
    this.#metrics.add(PINGS, 1);
    const at = connection.reserve(2);
    connection.output[at] = PacketType.pingresp << 4;
    connection.output[at + 1] = 0;
    if (span === NO_SPAN) return;
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, connection.session!.clientId);
    this.#recorder.end(span, this.#clock.now());
  }

  #disconnect(connection: Connection, packet: DisconnectPacket): void {
    const { session } = connection;
    if (session === undefined) {
      // Given up in the middle of an authentication exchange.
      connection.close(CLOSE_REASONS.clientDisconnect);
      return;
    }
    const startedAt = this.#clock.now();
    const span = this.#recorder.root(SPANS.mqttDisconnect, startedAt, connection);
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
    this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, packet.reasonCode);
    this.#metrics.add(DISCONNECTS, 1);
    const expiry = expiryAtDisconnect(
      session.expirySeconds,
      packet.properties.sessionExpiryInterval,
      this.#expiryMaximumSeconds,
    );
    if (expiry.type === 'protocol_error') {
      this.#recorder.fail(
        span,
        'protocol_error',
        'a session that was to end with its connection cannot be made to stay',
      );
      connection.close(CLOSE_REASONS.protocolError);
    } else {
      if (expiry.seconds < (packet.properties.sessionExpiryInterval ?? 0)) this.#metrics.add(SESSION_EXPIRY_HIT, 1);
      session.expirySeconds = expiry.seconds;
      connection.connectionEnd = { type: 'disconnected', reasonCode: packet.reasonCode };
      connection.close(CLOSE_REASONS.clientDisconnect);
    }
    this.#recorder.end(span, this.#clock.now());
  }
}

function closedId(label: CloseReason['label']): number {
  const known = CLOSED.get(label);
  if (known !== undefined) return known;
  const id = counterId(METRICS.connectionsClosedTotal, label);
  CLOSED.set(label, id);
  return id;
}
