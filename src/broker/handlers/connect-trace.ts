import type { Clock } from '../../base/clock.ts';
import type { ConnectPacket, ProtocolVersion } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, LOG_EVENTS, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { operationMetrics, recordOperation } from '../../telemetry/operation.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Connection } from '../connection/connection.ts';
import type { Granted } from './connack-properties.ts';
import type { Refusal } from './connect-refusal.ts';
import { contextOf } from './span-context.ts';

const CONNECT = operationMetrics('connect');
const KEEP_ALIVE_HIT = counterId(METRICS.limitsHitTotal, 'keep_alive');
const SESSION_EXPIRY_HIT = counterId(METRICS.limitsHitTotal, 'session_expiry');
const VERSION_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

export interface ConnectIdentity {
  readonly cluster: string;
  readonly brokerId: string;
}

/** The span, the figures and the log of a CONNECT. */
export class ConnectTrace {
  readonly #identity: ConnectIdentity;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(parts: { identity: ConnectIdentity; recorder: Recorder; metrics: Metrics; clock: Clock; log: Log }) {
    this.#identity = parts.identity;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  begin(connection: Connection, packet: ConnectPacket | undefined, at: number): SpanHandle {
    const recorder = this.#recorder;
    const { remoteAddress } = connection;
    const claimed =
      packet === undefined ? connection : { clientId: packet.clientId, userName: packet.userName ?? '', remoteAddress };
    const span = recorder.root(SPANS.mqttConnect, at, claimed);
    if (span === NO_SPAN) return span;
    recorder.attribute(span, ATTRIBUTES.networkPeerAddress, connection.remoteAddress);
    recorder.attribute(span, ATTRIBUTES.networkPeerPort, connection.remotePort);
    recorder.attribute(span, ATTRIBUTES.robustmqCluster, this.#identity.cluster);
    recorder.attribute(span, ATTRIBUTES.robustmqBrokerId, this.#identity.brokerId);
    if (packet === undefined) return span;
    recorder.attribute(span, ATTRIBUTES.mqttClientId, packet.clientId);
    recorder.attribute(span, ATTRIBUTES.mqttProtocolVersion, VERSION_NAMES[packet.protocolVersion]);
    recorder.attribute(span, ATTRIBUTES.mqttCleanSession, packet.cleanStart);
    if (packet.userName !== undefined) recorder.attribute(span, ATTRIBUTES.userName, packet.userName);
    return span;
  }

  refused(connection: Connection, { reasonCode, errorType, message, cause }: Refusal, span: SpanHandle): void {
    this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, reasonCode);
    this.#recorder.fail(span, errorType, message, cause);
    const { listenerName, remoteAddress } = connection;
    const context = contextOf(this.#recorder, span);
    connection.faultContext = context;
    // In the words of the span, so that one is found by the other.
    const fields = { listener: listenerName, address: remoteAddress, reason: errorType, reasonCode };
    this.#log.write(LOG_EVENTS.connectionRefused, fields, context);
  }

  /** What the client was given less of than it asked for. */
  granted(packet: ConnectPacket, { keepAliveSeconds, sessionExpirySeconds }: Granted): void {
    if (packet.protocolVersion !== 5) return;
    if (keepAliveSeconds !== packet.keepAliveSeconds) this.#metrics.add(KEEP_ALIVE_HIT, 1);
    if (sessionExpirySeconds < (packet.properties.sessionExpiryInterval ?? 0)) this.#metrics.add(SESSION_EXPIRY_HIT, 1);
  }

  end(span: SpanHandle, startedAt: number, succeeded: boolean): void {
    if (succeeded) this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, ReasonCode.success);
    const now = this.#clock.now();
    recordOperation(this.#metrics, this.#recorder, CONNECT, span, startedAt, now, succeeded);
    this.#recorder.end(span, now);
  }
}
