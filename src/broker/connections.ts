import type { Clock } from '../base/clock.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import { METRICS } from '../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../telemetry/metrics.ts';
import { CLOSE_REASONS, type CloseReason } from './connection/close-reason.ts';
import { Connection, type ConnectionShared } from './connection/connection.ts';
import { type AdmissionRefusal, ConnectionAdmission } from './limits/connection-admission.ts';
import type { Transport } from './transport/transport.ts';

const OPENED = counterId(METRICS.connectionsOpenedTotal);
const CONNECT_TIMEOUT_HIT = counterId(METRICS.limitsHitTotal, 'connect_timeout');
const LIMIT_HIT = {
  connections: counterId(METRICS.limitsHitTotal, 'connections'),
  connections_per_address: counterId(METRICS.limitsHitTotal, 'connections_per_address'),
  connect_rate: counterId(METRICS.limitsHitTotal, 'connect_rate'),
} as const satisfies Record<AdmissionRefusal['limit'], number>;
/** Connections beyond a limit that may live until they have been told so; more are closed at once. */
const MAXIMUM_REFUSED = 256;
const REFUSED_MS = 2000;
/** Enough for the CONNECT of a connection that is refused. */
const REFUSED_PACKET_BYTES = 16 * 1024;

/** `mqtt` of the configuration, as far as it concerns connections. */
export type ConnectionsConfig = Pick<
  Config['mqtt'],
  | 'maxConnections'
  | 'maxConnectionsPerAddress'
  | 'maxConnectRate'
  | 'maxPacketSizeBytes'
  | 'maxQueuedBytes'
  | 'maxQos'
  | 'connectTimeoutMs'
>;

/** All open connections: who may come in, who has been silent for too long. */
export class Connections {
  readonly #open = new Set<Connection>();
  readonly #refused = new Set<Connection>();
  readonly #admission: ConnectionAdmission;
  readonly #shared: ConnectionShared;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #config: ConnectionsConfig;
  #lastId = 0;
  #peakConnectedCount = 0;

  constructor(shared: ConnectionShared, metrics: Metrics, clock: Clock, config: ConnectionsConfig) {
    this.#shared = shared;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#config = config;
    this.#admission = new ConnectionAdmission(config, clock.now());
  }

  get count(): number {
    return this.#open.size;
  }

  /** The most that were connected at once, as `tick` saw it. */
  get peakConnectedCount(): number {
    return this.#peakConnectedCount;
  }

  /** A connection counts from here on, also while its transport still shakes hands. */
  accept(transport: Transport, listener: ListenerConfig): void {
    const refusal = this.#admission.enter(listener, transport.remoteAddress, this.#clock.now());
    if (refusal === undefined) {
      this.#metrics.add(OPENED, 1);
      this.#open.add(this.#connection(transport, listener, undefined));
      return;
    }
    this.#metrics.add(LIMIT_HIT[refusal.limit], 1);
    // To shake hands for TLS costs what the limit is to save.
    const isAffordable =
      this.#refused.size < MAXIMUM_REFUSED && (listener.transport === 'tcp' || listener.transport === 'ws');
    if (isAffordable) this.#refused.add(this.#connection(transport, listener, refusal));
    else transport.destroy();
  }

  forget(connection: Connection): void {
    if (this.#open.delete(connection)) this.#admission.leave(connection.listenerName, connection.remoteAddress);
    else this.#refused.delete(connection);
  }

  /** Once a second: [MQTT-3.1.2-22], and those that never said who they are. */
  tick(now: number): void {
    const seconds = this.#shared.seconds.value;
    let connectedCount = 0;
    for (const connection of this.#open) {
      if (connection.stage === 'connected') {
        connectedCount += 1;
        const { keepAliveSeconds } = connection;
        if (connection.awaitsBroker) connection.lastReadAt = seconds;
        if (keepAliveSeconds > 0 && seconds - connection.lastReadAt > keepAliveSeconds * 1.5)
          connection.close(CLOSE_REASONS.keepAliveTimeout);
        else if (now >= connection.authExpiresAt) connection.close(CLOSE_REASONS.credentialsExpired);
      } else if (now - connection.openedAt > this.#config.connectTimeoutMs) {
        this.#metrics.add(CONNECT_TIMEOUT_HIT, 1);
        connection.close(CLOSE_REASONS.connectTimeout);
      }
    }
    this.#peakConnectedCount = Math.max(this.#peakConnectedCount, connectedCount);
    for (const connection of this.#refused)
      if (now - connection.openedAt > REFUSED_MS) connection.close(CLOSE_REASONS.connectTimeout);
  }

  /** Those that CONNECT has been answered. */
  get connectedCount(): number {
    let count = 0;
    for (const { stage } of this.#open) if (stage === 'connected') count += 1;
    return count;
  }

  /** Closes at most `limit` of those that are connected, longest connected first; returns how many. */
  sendAway(limit: number, reason: CloseReason): number {
    let closed = 0;
    for (const connection of this.#open) {
      if (closed === limit) break;
      if (connection.stage !== 'connected') continue;
      connection.close(reason);
      closed += 1;
    }
    return closed;
  }

  closeAll(reason: CloseReason): void {
    for (const connection of [...this.#open, ...this.#refused]) connection.close(reason);
  }

  #connection(transport: Transport, listener: ListenerConfig, refusal: AdmissionRefusal | undefined): Connection {
    const { maxPacketSizeBytes, maxQueuedBytes, maxQos } = this.#config;
    const maximumPacketSize = listener.maxPacketSizeBytes ?? maxPacketSizeBytes;
    const limits = {
      maximumPacketSize: refusal === undefined ? maximumPacketSize : Math.min(maximumPacketSize, REFUSED_PACKET_BYTES),
      maximumQueuedBytes: maxQueuedBytes,
      maximumQos: listener.maxQos ?? maxQos,
    };
    this.#lastId += 1;
    return new Connection(this.#lastId, transport, listener, limits, refusal, this.#clock.now(), this.#shared);
  }
}
