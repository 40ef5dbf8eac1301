import assert from 'node:assert/strict';
import { loadConfig } from '../../config/load-config.ts';
import type { Config } from '../../config/schema.ts';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { Journal } from '../../journal/journal.ts';
import { TracedJournal } from '../../journal/traced-journal.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import type { ConnectPacket, Packet, Subscription } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { SessionNumbers } from '../../placement/sessions.ts';
import type { FinishedSpan } from '../../telemetry/finished-span.ts';
import type { CounterId } from '../../telemetry/metrics.ts';
import { ENTRY, FLAG, QOS_SHIFT, SHAPE } from '../../telemetry/records/message-entry.ts';
import { type TestTelemetry, testTelemetry } from '../../telemetry/testing/test-telemetry.ts';
import { assemble, type BrokerAssembly } from '../assembly/assemble.ts';
import type { BrokerParts } from '../assembly/broker-parts.ts';
import { AccessControl } from '../auth/access-control.ts';
import { createAuthenticator } from '../auth/authenticator.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import type { EnhancedAuthenticator } from '../auth/enhanced-authenticator.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { Message } from '../delivery/message.ts';
import { PublishTrace } from '../handlers/publish-trace.ts';
import { Listener } from '../listener.ts';
import type { Session } from '../session/session.ts';
import { replacing } from './replacing.ts';
import { TestClient } from './test-client.ts';
import { TestClock } from './test-clock.ts';

/** TOML keys by dotted path. */
type Settings = Readonly<Record<string, string | number | boolean>>;

interface Engines {
  readonly journal?: Journal;
  readonly placement?: Placement;
}

export interface ClientOptions {
  readonly version?: 4 | 5;
  readonly cleanStart?: boolean;
  readonly expirySeconds?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly will?: ConnectPacket['will'];
}

export interface PublishOptions {
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly publisher?: Session;
  readonly packetId?: number;
  readonly expirySeconds?: number;
}

/** All of a broker but its timer, on engines in memory and a clock of the test's own. */
export class BrokerUnderTest implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly config: Config;
  readonly journal: Journal;
  readonly placement: Placement;
  #spansBefore: readonly FinishedSpan[] = [];
  /** Methods of enhanced authentication by listener name; a test may add some. */
  readonly enhanced = new Map<string, EnhancedAuthenticator>();
  telemetry!: TestTelemetry;
  assembly!: BrokerAssembly;
  readonly #numbers: SessionNumbers;
  #trace!: PublishTrace;
  #clients: TestClient[] = [];
  #lives = 0;
  #listener: Listener | undefined;

  private constructor(config: Config, engines: Engines) {
    this.config = config;
    this.journal = engines.journal ?? new MemoryJournal({ clock: this.clock });
    this.placement = engines.placement ?? new MemoryPlacement();
    this.#numbers = new SessionNumbers(this.placement);
  }

  static async start(settings: Settings = {}, engines: Engines = {}): Promise<BrokerUnderTest> {
    const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    const broker = new BrokerUnderTest(loadConfig({ environment: {}, flags: { set } }), engines);
    await broker.#assemble();
    return broker;
  }

  /** A kill: what only memory held is gone, and a new broker is made of what the engines hold. */
  async crash(): Promise<void> {
    this.#lives += 1;
    this.assembly.shards.close();
    for (const client of this.#clients) client.closeReason = CLOSE_REASONS.socketError;
    this.#clients = [];
    await this.#assemble();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener?.stop();
    this.assembly.connections.closeAll(CLOSE_REASONS.serverShutdown);
    for (const client of this.#clients) client.close(CLOSE_REASONS.serverShutdown);
    await this.#settleDelivery();
    this.assembly.shards.close();
    await this.journal.close();
    await this.placement.close();
    assert.equal(this.telemetry.recording.openSpans, 0, 'whatever was begun has been recorded');
  }

  /** Takes clients on real sockets, at most so many of them if not 0; returns the port. */
  async listen(maximum = 0): Promise<number> {
    const listener = { ...this.config.listeners[0]!, port: 0, maxConnections: maximum };
    this.#listener ??= await Listener.open(listener, (transport) =>
      this.assembly.connections.accept(transport, listener),
    );
    return this.#listener.address.port;
  }

  /** Connects a client without a socket: what CONNECT does once it is authenticated. */
  async connect(clientId: string, options: ClientOptions = {}): Promise<TestClient> {
    const { lifecycle } = this.assembly;
    const client = new TestClient(options.version, (closed, reason) =>
      lifecycle.leave(closed, reason, closed.connectionEnd),
    );
    client.maximumPacketSize = options.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    const { session } = lifecycle.open(
      client,
      clientId,
      connectPacket(clientId, options),
      await this.#numbers.allocate(),
      undefined,
    );
    this.#clients.push(client);
    await lifecycle.save(session);
    lifecycle.serve(session);
    return client;
  }

  async subscribe(
    client: TestClient,
    filter: string,
    options: Partial<Subscription> = {},
    identifier = 0,
  ): Promise<void> {
    const session = client.session!;
    const { qos = 2, noLocal = false, retainAsPublished = false } = options;
    const since = this.assembly.ingests.map(({ shard, dispatchedEnd }) => [shard.number, dispatchedEnd] as const);
    this.assembly.router.subscribe(session, filter, { qos, noLocal, retainAsPublished, identifier, since });
    await this.assembly.lifecycle.save(session);
  }

  /** A message as it comes from an admitted PUBLISH, which is recorded. */
  message(topic: string, text: string, options: PublishOptions = {}): Message {
    const name = Buffer.from(topic);
    const message = new Message();
    message.topic = this.assembly.topics.intern(name, 0, name.length);
    message.qos = options.qos ?? 0;
    message.retain = options.retain ?? false;
    message.publisher = options.publisher?.number ?? 0;
    message.payload = Buffer.from(text);
    message.payloadEnd = message.payload.length;
    message.expirySeconds = options.expirySeconds ?? -1;
    message.receivedAt = this.clock.now();
    this.#begin(message);
    return message;
  }

  publish(topic: string, text: string, options: PublishOptions = {}): void {
    const { flow } = this.assembly;
    const message = this.message(topic, text, options);
    const now = this.clock.now();
    if (message.qos > 0) {
      flow.store(message, undefined, options.publisher, options.packetId ?? 0);
      flow.endRead(now);
      return;
    }
    if (message.retain) flow.retain(message);
    flow.deliver(message);
    this.#trace.direct(message, SHAPE.direct, now);
    this.#trace.endRead(now);
  }

  /** The client's answer to a packet: PUBACK, PUBREC or PUBCOMP. */
  answer(client: TestClient, packet: Packet): void {
    const { acks } = this.assembly;
    if (packet.type === 'publish' && packet.qos > 0) {
      const type = packet.qos === 1 ? PacketType.puback : PacketType.pubrec;
      acks.acknowledge(client, type, packet.packetId, ReasonCode.success);
    } else if (packet.type === 'pubrel')
      acks.acknowledge(client, PacketType.pubcomp, packet.packetId, ReasonCode.success);
    acks.endRead();
  }

  /** The client's socket has room again. */
  drain(client: TestClient): void {
    client.saturated = false;
    this.assembly.acks.roomMade(client.session!);
  }

  /** Resolves when nothing is left to do without anything new from outside. */
  async settle(): Promise<void> {
    await this.#settleDelivery();
    await this.assembly.retained.durable();
  }

  count(counter: CounterId): number {
    return this.telemetry.metrics.value(counter);
  }

  /** What has ended so far, of all lives. */
  get spans(): readonly FinishedSpan[] {
    return [...this.#spansBefore, ...this.telemetry.spans];
  }

  spansNamed(name: string): FinishedSpan[] {
    return this.spans.filter(({ definition }) => definition.name === name);
  }

  /** As PublishTrace does for a PUBLISH of a connection. */
  #begin(message: Message): void {
    const { entry, topic } = message;
    const { messages, texts } = this.telemetry.recording;
    messages.begin(entry, message.trace);
    entry.u32[ENTRY.client] = 0;
    entry.u32[ENTRY.topic] = texts.ofBytes(topic, topic.bytes);
    entry.u32[ENTRY.rule] = 0;
    entry.u32[ENTRY.payloadBytes] = message.payloadEnd;
    entry.u32[ENTRY.flags]! |= (message.qos << QOS_SHIFT) | (message.retain ? FLAG.retain : 0);
    entry.f64[ENTRY.receivedAt] = message.receivedAt;
    entry.f64[ENTRY.admittedAt] = message.receivedAt;
    message.isTraced = true;
    message.hasContext = true;
    message.dispatchedAt = message.receivedAt;
  }

  async #settleDelivery(): Promise<void> {
    const { ingests, sessionLog, catchUp, shared } = this.assembly;
    for (let before = -1; before !== this.#progress(); ) {
      before = this.#progress();
      for (const ingest of ingests) await ingest.idle();
      await sessionLog.idle();
      await Promise.all([catchUp.idle(), shared.idle()]);
    }
  }

  #progress(): number {
    const { ingests, sessionLog } = this.assembly;
    return ingests.reduce((sum, { dispatchedEnd }) => sum + dispatchedEnd, sessionLog.committedEnd);
  }

  async #assemble(): Promise<void> {
    if (this.telemetry !== undefined) this.#spansBefore = this.spans;
    const { cluster, node, telemetry } = this.config;
    this.telemetry = testTelemetry(telemetry.sampling, { cluster: cluster.name, brokerId: node.id });
    this.#trace = new PublishTrace(this.telemetry.recording, { connectionCount: () => 0, queueDepth: () => 0 });
    this.assembly = await assemble(this.#parts());
  }

  #parts(): BrokerParts {
    const { config, clock, telemetry } = this;
    const { recording, recorder, metrics, log } = telemetry;
    const access = new AccessControl(compileAccessRules(config.authorization.rules), recorder, clock);
    const authenticators = new Map([['default', createAuthenticator([], true, clock)]]);
    return {
      config,
      ...this.#enginesOfThisLife(),
      authenticators,
      enhanced: this.enhanced,
      access,
      recording,
      metrics,
      log,
      clock,
    };
  }

  /** The dead write nothing: what a killed broker still had to do must not reach the engines. */
  #enginesOfThisLife(): { readonly journal: Journal; readonly placement: Placement } {
    const life = this.#lives;
    const { journal, placement, clock } = this;
    const alive = <Value>(write: () => Promise<Value>): Promise<Value> =>
      life === this.#lives ? write() : Promise.reject(new Error('this broker was killed'));
    const mortal = replacing(journal, { append: (shard, batch) => alive(() => journal.append(shard, batch)) });
    return {
      journal: new TracedJournal(mortal, this.telemetry.recording, this.telemetry.metrics, clock),
      placement: replacing(placement, { write: (writes, context) => alive(() => placement.write(writes, context)) }),
    };
  }
}

function connectPacket(clientId: string, options: ClientOptions): ConnectPacket {
  const { version = 5, cleanStart = false, expirySeconds = 0, receiveMaximum, will } = options;
  return {
    type: 'connect',
    protocolVersion: version,
    cleanStart,
    keepAliveSeconds: 0,
    clientId,
    ...(will && { will }),
    properties:
      version === 4
        ? {}
        : { sessionExpiryInterval: expirySeconds, ...(receiveMaximum === undefined ? {} : { receiveMaximum }) },
  };
}
