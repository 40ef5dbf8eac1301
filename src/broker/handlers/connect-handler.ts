import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import type { ConnackPacket, ConnectPacket, ProtocolVersion } from '../../mqtt/packets.ts';
import { ReasonCode, reasonName, returnCodeOfReason } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, LOG_EVENTS, SPANS } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { operationMetrics, recordOperation } from '../../telemetry/operation.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { AccessControl } from '../auth/access-control.ts';
import type { Authenticator, AuthOutcome } from '../auth/authenticator.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import type { OpenedSession, SessionLifecycle } from './session-lifecycle.ts';
import { contextOf } from './span-context.ts';

const CONNECT = operationMetrics('connect');
const LARGEST_REMAINING_LENGTH = 268_435_460;
const VERSION_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

/** What CONNACK tells an MQTT 5 client of the server (section 3.2.2.3). */
export interface ServerCapabilities {
  readonly receiveMaximum: number;
  readonly maximumQos: number;
  readonly retainAvailable: boolean;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  /** 0: whatever the client asks for. */
  readonly keepAliveMaximumSeconds: number;
}

export interface ConnectIdentity {
  readonly cluster: string;
  readonly brokerId: string;
}

/** A refusal, in the words of the protocol and of the span. */
interface Refusal {
  readonly reasonCode: ReasonCode;
  readonly errorType: string;
  readonly message: string;
  /** What was thrown, where something was. */
  readonly cause?: unknown;
}

/** CONNECT: who it is, whether it may, which session it gets; answered by CONNACK with the reason. */
export class ConnectHandler {
  readonly #authenticators: ReadonlyMap<string, Authenticator>;
  readonly #access: AccessControl;
  readonly #lifecycle: SessionLifecycle;
  readonly #numbers: { allocate(): Promise<number> };
  readonly #capabilities: ServerCapabilities;
  readonly #identity: ConnectIdentity;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(parts: {
    /** By listener name. */
    authenticators: ReadonlyMap<string, Authenticator>;
    access: AccessControl;
    lifecycle: SessionLifecycle;
    numbers: { allocate(): Promise<number> };
    capabilities: ServerCapabilities;
    identity: ConnectIdentity;
    recorder: Recorder;
    metrics: Metrics;
    clock: Clock;
    log: Log;
  }) {
    this.#authenticators = parts.authenticators;
    this.#access = parts.access;
    this.#lifecycle = parts.lifecycle;
    this.#numbers = parts.numbers;
    this.#capabilities = parts.capabilities;
    this.#identity = parts.identity;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  connect(connection: Connection, packet: ConnectPacket): void {
    connection.stage = 'connecting';
    connection.version = packet.protocolVersion === 5 ? 5 : 4;
    const startedAt = this.#clock.now();
    const span = this.#begin(connection, packet, startedAt);
    this.#connect(connection, packet, span).then(
      (refusal) => this.#finish(connection, span, startedAt, refusal),
      (error: unknown) => {
        this.#log.write(LOG_EVENTS.connectionBroken, { error: error as Error });
        this.#finish(connection, span, startedAt, {
          reasonCode: ReasonCode.unspecifiedError,
          errorType: 'internal',
          message: 'the connection could not be set up',
          cause: error,
        });
      },
    );
  }

  /** A CONNECT that cannot be read is answered where the protocol has an answer [MQTT-3.1.2-2], and the socket closed. */
  refuseMalformed(connection: Connection, reasonCode: ReasonCode, version: ProtocolVersion): void {
    const startedAt = this.#clock.now();
    const span = this.#recorder.root(SPANS.mqttConnect, startedAt);
    this.#recorder.attribute(span, ATTRIBUTES.networkPeerAddress, connection.remoteAddress);
    connection.version = version === 5 ? 5 : 4;
    connection.stage = 'connecting';
    this.#finish(connection, span, startedAt, {
      reasonCode,
      errorType: 'malformed_packet',
      message: 'not a CONNECT that can be read',
    });
  }

  async #connect(connection: Connection, packet: ConnectPacket, span: SpanHandle): Promise<Refusal | undefined> {
    if (packet.properties.authenticationMethod !== undefined)
      return refuse(ReasonCode.badAuthenticationMethod, 'bad_authentication_method', 'no such method is offered');
    const assigned = packet.clientId === '' ? randomUUID() : undefined;
    const clientId = assigned ?? packet.clientId;
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, clientId);
    const outcome = await this.#authenticate(connection, packet, clientId, span);
    const refused = refusalOf(outcome);
    if (refused !== undefined) return refused;
    if (outcome.type !== 'allowed') throw new Error('an outcome that is not refused is allowed');
    connection.principal = { clientId, username: outcome.identity, address: connection.remoteAddress };
    connection.authMethod = outcome.method;
    const willRefusal = this.#refuseWill(connection, packet, span);
    if (willRefusal !== undefined) return willRefusal;
    const number = await this.#numbers.allocate();
    if (connection.closed) return undefined;
    const context = contextOf(this.#recorder, span);
    const opened = this.#lifecycle.open(connection, clientId, packet, number, context);
    this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(opened.session.number));
    connection.maximumPacketSize = packet.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    connection.keepAliveSeconds = this.#keepAlive(packet);
    await this.#lifecycle.save(opened.session, context);
    if (!connection.closed) this.#accept(connection, packet, opened, assigned);
    return undefined;
  }

  async #authenticate(
    connection: Connection,
    packet: ConnectPacket,
    clientId: string,
    span: SpanHandle,
  ): Promise<AuthOutcome> {
    const authenticator = this.#authenticators.get(connection.listenerName)!;
    const validate = this.#recorder.child(SPANS.authValidate, span, this.#clock.now());
    const outcome = await authenticator.authenticate({
      clientId,
      username: packet.userName,
      password: packet.password,
      address: connection.remoteAddress,
    });
    if (outcome.type === 'allowed') {
      this.#recorder.attribute(validate, ATTRIBUTES.authMethod, outcome.method);
      this.#recorder.attribute(validate, ATTRIBUTES.authCached, outcome.cached);
    } else this.#recorder.fail(validate, outcome.type, 'the client was not let in');
    this.#recorder.end(validate, this.#clock.now());
    return outcome;
  }

  /** A will is published in the client's name later; whether it may be is said now. */
  #refuseWill(connection: Connection, packet: ConnectPacket, span: SpanHandle): Refusal | undefined {
    const { will } = packet;
    if (will === undefined) return undefined;
    // [MQTT-3.2.2-12], [MQTT-3.2.2-13]
    if (will.qos > this.#capabilities.maximumQos)
      return refuse(ReasonCode.qosNotSupported, 'qos_not_supported', 'the will asks for a QoS that is not offered');
    if (will.retain && !this.#capabilities.retainAvailable)
      return refuse(ReasonCode.retainNotSupported, 'retain_not_supported', 'the will is to be retained');
    if (this.#access.decide(connection, 'publish', will.topic, span).allowed) return undefined;
    return refuse(ReasonCode.notAuthorized, 'not_authorized', 'no rule allows publishing the will');
  }

  #accept(connection: Connection, packet: ConnectPacket, opened: OpenedSession, assigned: string | undefined): void {
    connection.stage = 'connected';
    const { session, present } = opened;
    this.#send(connection, {
      type: 'connack',
      sessionPresent: present,
      reasonCode: ReasonCode.success,
      properties: this.#properties(connection, packet, session.expirySeconds, assigned),
    });
    this.#lifecycle.serve(session);
    connection.resume();
  }

  #properties(
    connection: Connection,
    packet: ConnectPacket,
    expirySeconds: number,
    assigned: string | undefined,
  ): ConnackPacket['properties'] {
    const capabilities = this.#capabilities;
    const asked = packet.properties.sessionExpiryInterval ?? 0;
    return {
      ...(expirySeconds === asked ? {} : { sessionExpiryInterval: expirySeconds }),
      ...(capabilities.receiveMaximum === 65_535 ? {} : { receiveMaximum: capabilities.receiveMaximum }),
      ...(capabilities.maximumQos === 2 ? {} : { maximumQos: capabilities.maximumQos }),
      ...(capabilities.retainAvailable ? {} : { retainAvailable: 0 }),
      ...(capabilities.maximumPacketSize >= LARGEST_REMAINING_LENGTH
        ? {}
        : { maximumPacketSize: capabilities.maximumPacketSize }),
      ...(assigned === undefined ? {} : { assignedClientIdentifier: assigned }),
      ...(capabilities.topicAliasMaximum === 0 ? {} : { topicAliasMaximum: capabilities.topicAliasMaximum }),
      ...(capabilities.wildcardSubscriptionAvailable ? {} : { wildcardSubscriptionAvailable: 0 }),
      ...(capabilities.subscriptionIdentifierAvailable ? {} : { subscriptionIdentifierAvailable: 0 }),
      ...(capabilities.sharedSubscriptionAvailable ? {} : { sharedSubscriptionAvailable: 0 }),
      ...(connection.keepAliveSeconds === packet.keepAliveSeconds
        ? {}
        : { serverKeepAlive: connection.keepAliveSeconds }),
    };
  }

  #keepAlive(packet: ConnectPacket): number {
    const maximum = this.#capabilities.keepAliveMaximumSeconds;
    const asked = packet.keepAliveSeconds;
    // Only MQTT 5 can be told of another keep alive than it asked for [MQTT-3.1.2-21].
    if (maximum === 0 || packet.protocolVersion !== 5) return asked;
    return asked === 0 ? maximum : Math.min(asked, maximum);
  }

  #begin(connection: Connection, packet: ConnectPacket, at: number): SpanHandle {
    const recorder = this.#recorder;
    const span = recorder.root(SPANS.mqttConnect, at);
    if (span === NO_SPAN) return span;
    recorder.attribute(span, ATTRIBUTES.mqttClientId, packet.clientId);
    recorder.attribute(span, ATTRIBUTES.mqttProtocolVersion, VERSION_NAMES[packet.protocolVersion]);
    recorder.attribute(span, ATTRIBUTES.mqttCleanSession, packet.cleanStart);
    recorder.attribute(span, ATTRIBUTES.networkPeerAddress, connection.remoteAddress);
    recorder.attribute(span, ATTRIBUTES.networkPeerPort, connection.remotePort);
    recorder.attribute(span, ATTRIBUTES.robustmqCluster, this.#identity.cluster);
    recorder.attribute(span, ATTRIBUTES.robustmqBrokerId, this.#identity.brokerId);
    return span;
  }

  #finish(connection: Connection, span: SpanHandle, startedAt: number, refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.#refuse(connection, refusal, span);
    else this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, ReasonCode.success);
    const now = this.#clock.now();
    recordOperation(this.#metrics, this.#recorder, CONNECT, span, startedAt, now, refusal === undefined);
    this.#recorder.end(span, now);
  }

  #refuse(connection: Connection, { reasonCode, errorType, message, cause }: Refusal, span: SpanHandle): void {
    this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, reasonCode);
    this.#recorder.fail(span, errorType, message, cause);
    const { listenerName, remoteAddress } = connection;
    this.#log.write(
      LOG_EVENTS.connectionRefused,
      { listener: listenerName, address: remoteAddress, reason: reasonName(reasonCode) },
      contextOf(this.#recorder, span),
    );
    const hasAnswer = connection.version === 5 || returnCodeOfReason(reasonCode) !== undefined;
    if (hasAnswer && !connection.closed)
      this.#send(connection, { type: 'connack', sessionPresent: false, reasonCode, properties: {} });
    connection.close(closeReasonOf(reasonCode));
  }

  #send(connection: Connection, packet: ConnackPacket): void {
    connection.send(encodePacket(packet, connection.version));
  }
}

function refuse(reasonCode: ReasonCode, errorType: string, message: string): Refusal {
  return { reasonCode, errorType, message };
}

function refusalOf(outcome: AuthOutcome): Refusal | undefined {
  switch (outcome.type) {
    case 'allowed':
      return undefined;
    case 'refused':
      return refuse(outcome.reasonCode, 'refused', 'the credentials were not accepted');
    case 'unavailable':
      return refuse(ReasonCode.serverBusy, 'unavailable', 'too many logins are being checked');
  }
}

function closeReasonOf(reasonCode: ReasonCode): CloseReason {
  switch (reasonCode) {
    case ReasonCode.badUserNameOrPassword:
      return { label: 'bad_credentials', reasonCode: undefined };
    case ReasonCode.notAuthorized:
      return CLOSE_REASONS.notAuthorized;
    case ReasonCode.malformedPacket:
      return CLOSE_REASONS.malformedPacket;
    case ReasonCode.unspecifiedError:
      return CLOSE_REASONS.serverError;
    default:
      return CLOSE_REASONS.protocolError;
  }
}
