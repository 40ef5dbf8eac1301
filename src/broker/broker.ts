import type { Config } from '../config/schema.ts';
import { LOG_EVENTS, METRICS } from '../telemetry/catalogue.ts';
import { counterId } from '../telemetry/metrics.ts';
import { assemble, type BrokerAssembly } from './assembly/assemble.ts';
import type { BrokerParts } from './assembly/broker-parts.ts';
import { CLOSE_REASONS } from './connection/close-reason.ts';
import type { Drain } from './drain.ts';
import { Listener, type ListenerAddress } from './listener.ts';
import type { HandshakeFailure } from './transport/handshake.ts';
import { expiryOf, type TlsMaterial } from './transport/tls-material.ts';
import { SCHEMES } from './transport/transport.ts';
import { createTransportEngine } from './transport/transport-engine.ts';

const TICK_MS = 1000;
const CHECKPOINT_EVERY_TICKS = 10;

/** By name of the listener, of those with TLS. */
type Certificates = ReadonlyMap<string, TlsMaterial>;

/** The MQTT broker: listeners, and everything behind them, from recovery to the last checkpoint. */
export class Broker {
  readonly #assembly: BrokerAssembly;
  readonly #parts: BrokerParts;
  readonly #certificates: Certificates;
  readonly #listeners: Listener[] = [];
  readonly #timer: NodeJS.Timeout;
  #ticks = 0;

  private constructor(assembly: BrokerAssembly, parts: BrokerParts, certificates: Certificates) {
    this.#assembly = assembly;
    this.#certificates = certificates;
    this.#parts = parts;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Brings the sessions back, then listens. */
  static async start(parts: BrokerParts, certificates: Certificates = new Map()): Promise<Broker> {
    const broker = new Broker(await assemble(parts), parts, certificates);
    try {
      if (parts.config.mqtt.sysIntervalSeconds > 0) broker.#assembly.systemTopics.update();
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

  /** For connections to come; listeners that are not named keep theirs. */
  replaceCertificates(certificates: Certificates): void {
    for (const listener of this.#listeners) {
      const material = certificates.get(listener.name);
      if (material === undefined) continue;
      listener.replaceCertificates(material);
      this.#parts.log.write(LOG_EVENTS.certificatesLoaded, { listener: listener.name });
      this.#tellExpiry(listener.name, material);
    }
  }

  /** Sends clients elsewhere while the broker runs. */
  get drain(): Drain {
    return this.#assembly.drain;
  }

  /** Takes no more, answers what was taken, says goodbye, and leaves everything on disk. */
  async stop(): Promise<void> {
    const { connections, loginGuard, ingests, sessionLog, catchUp, shared, retained, checkpoint, shards } =
      this.#assembly;
    this.drain.close();
    for (const listener of this.#listeners) listener.stop();
    for (const ingest of ingests) await ingest.idle();
    await sessionLog.idle();
    connections.closeAll(CLOSE_REASONS.serverShutdown);
    loginGuard.close();
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
    const material = this.#certificates.get(listener.name);
    const engine = createTransportEngine({
      listener,
      material,
      maximumPacketSize: listener.maxPacketSizeBytes ?? this.#parts.config.mqtt.maxPacketSizeBytes,
      onHandshakeFailure: (failure, address) => this.#tellHandshake(listener.name, failure, address),
    });
    const opened = await Listener.open(listener, (transport) => connections.accept(transport, listener), engine);
    this.#listeners.push(opened);
    const { transport, address, port } = opened.address;
    const scheme = SCHEMES[transport];
    this.#parts.log.write(LOG_EVENTS.listenerOpened, { listener: listener.name, scheme, address, port });
    if (material !== undefined) this.#tellExpiry(listener.name, material);
  }

  /** Taken nevertheless: a client that pins a certificate, or a test, may not mind. */
  #tellExpiry(listener: string, material: TlsMaterial): void {
    const expiry = expiryOf(material);
    if (expiry.getTime() > this.#parts.clock.now()) return;
    this.#parts.log.write(LOG_EVENTS.certificateExpired, { listener, expiredAt: expiry.toISOString() });
  }

  #tellHandshake(listener: string, { reason, detail }: HandshakeFailure, address: string): void {
    this.#parts.metrics.add(counterId(METRICS.handshakeFailuresTotal, reason), 1);
    // A port that is only probed, as health checks do, is no news.
    if (reason === 'client_closed') return;
    this.#parts.log.write(LOG_EVENTS.handshakeFailed, { listener, address, reason, detail });
  }

  #tick(): void {
    const { connections, lifecycle, rights, enhanced, seconds, sessionLog } = this.#assembly;
    const now = this.#parts.clock.now();
    seconds.value += 1;
    this.#ticks += 1;
    connections.tick(now);
    lifecycle.tick(now);
    rights.tick();
    enhanced.tick(now);
    // What the disk did not take is tried again, also when nobody says anything.
    sessionLog.endTurn();
    const { sysIntervalSeconds } = this.#parts.config.mqtt;
    if (sysIntervalSeconds > 0 && this.#ticks % sysIntervalSeconds === 0) this.#assembly.systemTopics.update();
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
