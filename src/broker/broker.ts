import type { Config } from '../config/schema.ts';
import { LOG_EVENTS, METRICS } from '../telemetry/catalogue.ts';
import { counterId } from '../telemetry/metrics.ts';
import { assemble, type BrokerAssembly } from './assembly/assemble.ts';
import type { BrokerParts } from './assembly/broker-parts.ts';
import { CLOSE_REASONS } from './connection/close-reason.ts';
import { Listener, type ListenerAddress } from './listener.ts';

const BYTES_RECEIVED = counterId(METRICS.bytesReceivedTotal);
const BYTES_SENT = counterId(METRICS.bytesSentTotal);
const TICK_MS = 1000;
const CHECKPOINT_EVERY_TICKS = 10;

/** The MQTT broker: listeners, and everything behind them, from recovery to the last checkpoint. */
export class Broker {
  readonly #assembly: BrokerAssembly;
  readonly #parts: BrokerParts;
  readonly #listeners: Listener[] = [];
  readonly #timer: NodeJS.Timeout;
  #ticks = 0;

  private constructor(assembly: BrokerAssembly, parts: BrokerParts) {
    this.#assembly = assembly;
    this.#parts = parts;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Brings the sessions back, then listens. */
  static async start(parts: BrokerParts): Promise<Broker> {
    const broker = new Broker(await assemble(parts), parts);
    try {
      for (const listener of parts.config.listeners) await broker.#listen(listener);
    } catch (error) {
      await broker.stop();
      throw error;
    }
    return broker;
  }

  get addresses(): readonly ListenerAddress[] {
    return this.#listeners.map((listener) => listener.address);
  }

  get connectionCount(): number {
    return this.#assembly.connections.count;
  }

  /** Takes no more, answers what was taken, says goodbye, and leaves everything on disk. */
  async stop(): Promise<void> {
    const { connections, ingests, sessionLog, catchUp, shared, retained, checkpoint, shards } = this.#assembly;
    for (const listener of this.#listeners) listener.stop();
    for (const ingest of ingests) await ingest.idle();
    await sessionLog.idle();
    connections.closeAll(CLOSE_REASONS.serverShutdown);
    await Promise.all([catchUp.idle(), shared.idle()]);
    for (const ingest of ingests) await ingest.idle();
    await sessionLog.idle();
    clearInterval(this.#timer);
    await this.#settle('retained', retained.durable());
    await this.#settle('checkpoint', checkpoint.take());
    shards.close();
  }

  async #listen(listener: Config['listeners'][number]): Promise<void> {
    const { connections } = this.#assembly;
    const opened = await Listener.open(listener, (socket) =>
      connections.accept(socket, listener.name, listener.maxConnections),
    );
    this.#listeners.push(opened);
    const { address, port } = opened.address;
    this.#parts.log.write(LOG_EVENTS.listenerOpened, { listener: listener.name, address, port });
  }

  #tick(): void {
    const { connections, lifecycle, seconds, traffic, sessionLog } = this.#assembly;
    const now = this.#parts.clock.now();
    seconds.value += 1;
    this.#ticks += 1;
    connections.tick(now);
    lifecycle.tick(now);
    // What the disk did not take is tried again, also when nobody says anything.
    sessionLog.endTurn();
    this.#parts.metrics.add(BYTES_RECEIVED, traffic.received);
    this.#parts.metrics.add(BYTES_SENT, traffic.sent);
    traffic.received = 0;
    traffic.sent = 0;
    if (this.#ticks % CHECKPOINT_EVERY_TICKS === 0) void this.#settle('checkpoint', this.#assembly.checkpoint.take());
  }

  async #settle(part: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#parts.log.write(LOG_EVENTS.sessionSaveFailed, { part, error: error as Error });
    }
  }
}
