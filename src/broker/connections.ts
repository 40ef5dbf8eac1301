import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { METRICS } from '../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../telemetry/metrics.ts';
import { CLOSE_REASONS, type CloseReason } from './connection/close-reason.ts';
import { Connection, type ConnectionShared } from './connection/connection.ts';

const OPENED = counterId(METRICS.connectionsOpenedTotal);
const LIMIT_HIT = counterId(METRICS.limitsHitTotal, 'connections');
/** One buffer reads for everybody: it is handed up before the next read, and only beginnings of packets are copied. */
const READ_BUFFER_BYTES = 64 * 1024;

export interface ConnectionsLimits {
  readonly maximum: number;
  readonly connectTimeoutMs: number;
}

/** All open connections: who may come in, who has been silent for too long. */
export class Connections {
  readonly #open = new Set<Connection>();
  readonly #perListener = new Map<string, number>();
  readonly #shared: ConnectionShared;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #limits: ConnectionsLimits;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  #lastId = 0;

  constructor(shared: ConnectionShared, metrics: Metrics, clock: Clock, limits: ConnectionsLimits) {
    this.#shared = shared;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#open.size;
  }

  /** `listenerMaximum` 0: only the overall limit counts. */
  accept(socket: Socket, listenerName: string, listenerMaximum: number): void {
    const onListener = this.#perListener.get(listenerName) ?? 0;
    if (this.#open.size >= this.#limits.maximum || (listenerMaximum > 0 && onListener >= listenerMaximum)) {
      this.#metrics.add(LIMIT_HIT, 1);
      socket.destroy();
      return;
    }
    this.#lastId += 1;
    this.#perListener.set(listenerName, onListener + 1);
    this.#metrics.add(OPENED, 1);
    this.#open.add(
      new Connection(this.#lastId, socket, listenerName, this.#readBuffer, this.#clock.now(), this.#shared),
    );
  }

  forget(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    this.#perListener.set(connection.listenerName, this.#perListener.get(connection.listenerName)! - 1);
  }

  /** Once a second: [MQTT-3.1.2-22], and those that never said who they are. */
  tick(now: number): void {
    const seconds = this.#shared.seconds.value;
    for (const connection of this.#open) {
      if (connection.stage === 'connected') {
        const { keepAliveSeconds } = connection;
        if (connection.awaitsJournal) connection.lastReadAt = seconds;
        if (keepAliveSeconds > 0 && seconds - connection.lastReadAt > keepAliveSeconds * 1.5)
          connection.close(CLOSE_REASONS.keepAliveTimeout);
      } else if (now - connection.openedAt > this.#limits.connectTimeoutMs)
        connection.close(CLOSE_REASONS.connectTimeout);
    }
  }

  closeAll(reason: CloseReason): void {
    for (const connection of [...this.#open]) connection.close(reason);
  }
}
