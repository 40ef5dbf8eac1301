import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { mountTopic } from '../../mqtt/mount-point.ts';
import type { ConnackPacket, ConnectPacket, ProtocolVersion } from '../../mqtt/packets.ts';
import { ReasonCode, reasonWord, returnCodeOfReason } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, LOG_EVENTS } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Recorder, SpanHandle } from '../../telemetry/recorder.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { AccessControl } from '../auth/access-control.ts';
import type { Login } from '../auth/login.ts';
import { encodeAnswer } from '../connection/answer.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import { TopicAliases } from '../connection/topic-aliases.ts';
import type { Drain } from '../drain.ts';
import { connackProperties, type Granted, grantedKeepAlive, type ServerCapabilities } from './connack-properties.ts';
import {
  closeReasonOf,
  type Refusal,
  refusalBeyondLimit,
  refusalOf,
  refusalWhileDraining,
  refuse,
} from './connect-refusal.ts';
import { type ConnectIdentity, ConnectTrace } from './connect-trace.ts';
import type { EnhancedAuthentication } from './enhanced-authentication.ts';
import type { OpenedSession, SessionLifecycle } from './session-lifecycle.ts';
import { contextOf } from './span-context.ts';
import type { SubscriptionRights } from './subscription-rights.ts';
import type { WillAdmission } from './will-admission.ts';

type Identified =
  | { readonly type: 'allowed'; readonly authentication: Granted['authentication'] }
  | { readonly type: 'refused'; readonly refusal: Refusal };

/** CONNECT: who it is, whether it may, which session it gets; answered by CONNACK with the reason. */
export class ConnectHandler {
  readonly #login: Login;
  readonly #enhanced: EnhancedAuthentication;
  readonly #drain: Pick<Drain, 'active'>;
  readonly #access: AccessControl;
  readonly #lifecycle: SessionLifecycle;
  readonly #rights: Pick<SubscriptionRights, 'review'>;
  readonly #numbers: { allocate(): Promise<number> };
  readonly #capabilities: ServerCapabilities;
  readonly #wills: WillAdmission;
  readonly #trace: ConnectTrace;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(parts: {
    login: Login;
    enhanced: EnhancedAuthentication;
    drain: Pick<Drain, 'active'>;
    access: AccessControl;
    lifecycle: SessionLifecycle;
    rights: Pick<SubscriptionRights, 'review'>;
    numbers: { allocate(): Promise<number> };
    capabilities: ServerCapabilities;
    wills: WillAdmission;
    identity: ConnectIdentity;
    recorder: Recorder;
    metrics: Metrics;
    clock: Clock;
    log: Log;
  }) {
    this.#login = parts.login;
    this.#enhanced = parts.enhanced;
    this.#drain = parts.drain;
    this.#access = parts.access;
    this.#lifecycle = parts.lifecycle;
    this.#rights = parts.rights;
    this.#numbers = parts.numbers;
    this.#capabilities = parts.capabilities;
    this.#wills = parts.wills;
    this.#trace = new ConnectTrace(parts);
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  connect(connection: Connection, received: ConnectPacket): void {
    const packet = mountWill(received, connection.mountPoint);
    connection.stage = 'connecting';
    connection.version = packet.protocolVersion === 5 ? 5 : 4;
    connection.maximumPacketSize = packet.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    connection.wantsReasons = packet.properties.requestProblemInformation !== 0;
    const aliases = Math.min(packet.properties.topicAliasMaximum ?? 0, this.#capabilities.topicAliasMaximumToClient);
    connection.aliasesToClient = aliases === 0 ? undefined : new TopicAliases(aliases);
    const startedAt = this.#clock.now();
    const span = this.#trace.begin(connection, packet, startedAt);
    this.#connect(connection, packet, span).then(
      (refusal) => this.#finish(connection, span, startedAt, refusal),
      (error: unknown) => {
        this.#log.write(LOG_EVENTS.connectionBroken, { error: error as Error }, contextOf(this.#recorder, span));
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
    const span = this.#trace.begin(connection, undefined, startedAt);
    connection.version = version === 5 ? 5 : 4;
    connection.stage = 'connecting';
    this.#finish(connection, span, startedAt, {
      reasonCode,
      errorType: reasonWord(reasonCode),
      message: 'not a CONNECT that can be read',
    });
  }

  async #connect(connection: Connection, packet: ConnectPacket, span: SpanHandle): Promise<Refusal | undefined> {
    const moved = refusalWhileDraining(this.#drain.active);
    if (moved !== undefined) return moved;
    if (connection.refusal !== undefined) return refusalBeyondLimit(connection.refusal);
    const clientId = packet.clientId === '' ? randomUUID() : packet.clientId;
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, clientId);
    connection.principal = { ...connection.principal, clientId };
    const identified = await this.#identify(connection, packet, clientId, span);
    if (identified.type === 'refused') return identified.refusal;
    const willRefusal = this.#refuseWill(connection, packet, span);
    if (willRefusal !== undefined) return willRefusal;
    const identifiedAt = this.#clock.now();
    const number = await this.#numbers.allocate();
    if (connection.closed) return undefined;
    const context = contextOf(this.#recorder, span);
    const opened = this.#lifecycle.open(connection, clientId, packet, number, context);
    if (opened.present) this.#rights.review(opened.session, connection, context);
    this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(opened.session.number));
    connection.keepAliveSeconds = grantedKeepAlive(packet, this.#capabilities.keepAliveMaximumSeconds);
    await this.#lifecycle.save(opened.session, context);
    recordStage(this.#metrics, STAGES.openSession, this.#clock.now() - identifiedAt);
    if (!connection.closed) this.#accept(connection, packet, opened, identified.authentication);
    return undefined;
  }

  /** Who the client is: by what CONNECT holds, or by the exchange that it begins. */
  async #identify(
    connection: Connection,
    packet: ConnectPacket,
    clientId: string,
    span: SpanHandle,
  ): Promise<Identified> {
    const { remoteAddress: address, certificateIdentity, listenerName: listener } = connection;
    const { userName: username, password } = packet;
    const credentials = { clientId, username, password, address, certificateIdentity };
    const method = packet.properties.authenticationMethod;
    if (method !== undefined) {
      const run = () => this.#enhanced.connect(connection, packet, span);
      const exchange = await this.#login.exchange('scram', credentials, span, run);
      if (exchange.type === 'banned') return { type: 'refused', refusal: refusalOf(exchange) };
      if (exchange.type === 'refused') return exchange;
      connection.principal = { ...connection.principal, username: exchange.identity };
      connection.authMethod = method.toLowerCase();
      // [MQTT-4.12.0-5]
      const authentication = { authenticationMethod: method, authenticationData: exchange.data };
      return { type: 'allowed', authentication };
    }
    const outcome = await this.#login.authenticate(listener, credentials, span);
    if (outcome.type !== 'allowed') return { type: 'refused', refusal: refusalOf(outcome) };
    connection.principal = { clientId, username: outcome.identity, address, listener, rules: outcome.rules };
    connection.authMethod = outcome.method;
    connection.authExpiresAt = outcome.expiresAt ?? Number.POSITIVE_INFINITY;
    // [MQTT-4.12.0-6]
    return { type: 'allowed', authentication: {} };
  }

  /** A will is published in the client's name later; whether it may be is said now. */
  #refuseWill(connection: Connection, packet: ConnectPacket, span: SpanHandle): Refusal | undefined {
    const { will } = packet;
    if (will === undefined) return undefined;
    const refusal = this.#wills.refusal(will, connection.limits);
    if (refusal !== undefined) return refusal;
    if (this.#access.decide(connection, 'publish', will.topic, span).allowed) return undefined;
    return refuse(ReasonCode.notAuthorized, 'not_authorized', 'no rule allows publishing the will');
  }

  #accept(
    connection: Connection,
    packet: ConnectPacket,
    { session, present }: OpenedSession,
    authentication: Granted['authentication'],
  ): void {
    const granted = {
      clientId: session.clientId,
      sessionExpirySeconds: session.expirySeconds,
      keepAliveSeconds: connection.keepAliveSeconds,
      authentication,
    };
    this.#trace.granted(packet, granted);
    const properties = connackProperties({ ...this.#capabilities, ...connection.limits }, packet, granted);
    if (!sendConnack(connection, { reasonCode: ReasonCode.success, sessionPresent: present, properties })) {
      // [MQTT-3.1.2-24]: there is no answer, and without one no connection.
      connection.close(CLOSE_REASONS.packetTooLarge);
      return;
    }
    connection.stage = 'connected';
    this.#lifecycle.serve(session);
    connection.resume();
  }

  #finish(connection: Connection, span: SpanHandle, startedAt: number, refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.#refuse(connection, refusal, span);
    this.#trace.end(span, startedAt, refusal === undefined);
  }

  #refuse(connection: Connection, refusal: Refusal, span: SpanHandle): void {
    this.#trace.refused(connection, refusal, span);
    const { reasonCode, message, serverReference } = refusal;
    const hasAnswer = connection.version === 5 || returnCodeOfReason(reasonCode) !== undefined;
    const properties = serverReference === undefined ? {} : { serverReference };
    if (hasAnswer && !connection.closed)
      sendConnack(connection, { reasonCode, sessionPresent: false, properties }, message);
    connection.close(closeReasonOf(reasonCode));
  }
}

function mountWill(packet: ConnectPacket, mountPoint: string): ConnectPacket {
  const { will } = packet;
  if (will === undefined || mountPoint === '') return packet;
  return { ...packet, will: { ...will, topic: mountTopic(mountPoint, will.topic) } };
}

/** False when the client takes no packet as large as this. */
function sendConnack(connection: Connection, answer: Omit<ConnackPacket, 'type'>, reason?: string): boolean {
  const bytes = encodeAnswer({ type: 'connack', ...answer }, reason, connection);
  if (bytes !== undefined) connection.send(bytes);
  return bytes !== undefined;
}
