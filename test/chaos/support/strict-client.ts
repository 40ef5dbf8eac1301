import assert from 'node:assert/strict';
import type { Packet, PublishPacket, Qos } from '../../../src/mqtt/packets.ts';
import { type ConnectOptions, payloadOf, RawClient } from '../../support/raw-client.ts';
import { Tally } from './tally.ts';

/** Long beyond any real delivery: it ends a test that would hang, and says what it waited for. */
const WAIT_LIMIT_MS = 20_000;
const FIRST_FAILURE = 0x80;
const NEVER_EXPIRES_SECONDS = 0xffff_ffff;

/** A message of ours on its way to the broker: PUBLISH until PUBREC, PUBREL from then on. */
interface Outgoing {
  readonly packet: PublishPacket;
  state: 'publish' | 'release';
  readonly settle: (acknowledged: boolean) => void;
}

export interface Delivery {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
}

/**
 * A client with a persistent session that keeps to the letter of MQTT across any number of connections: it resends what
 * was not acknowledged under the same packet identifiers, PUBLISH with DUP and PUBREL [MQTT-4.4.0-1], in their order, and
 * hands a QoS 2 message on once, however often its PUBLISH comes before PUBREL [MQTT-4.3.3-10].
 */
export class StrictClient {
  readonly clientId: string;
  /** What the application got, in order. */
  readonly deliveries: Delivery[] = [];
  /** Messages the broker has taken responsibility for: by PUBACK, or by PUBREC. */
  readonly acknowledgements = new Tally();
  readonly #options: Omit<ConnectOptions, 'port'>;
  #connection: RawClient | undefined;
  #reading: Promise<void> = Promise.resolve();
  #connections = 0;
  #lastPacketId = 0;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #unreleased = new Set<number>();
  readonly #requests = new Map<number, (reasonCodes: readonly number[]) => void>();
  readonly #received = new Set<string>();
  readonly #expected = new Map<string, () => void>();

  constructor(clientId: string, options: Omit<ConnectOptions, 'port'> = {}) {
    this.clientId = clientId;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  get connection(): RawClient {
    assert(this.#connection !== undefined, `${this.clientId} is connected`);
    return this.#connection;
  }

  /** Connects (again), and goes on where the last connection ended. The session must be there, but for the first time. */
  async connect(port: number, changes: Omit<ConnectOptions, 'port'> = {}): Promise<void> {
    await this.#reading;
    const connection = await this.#open(port, { ...changes, cleanStart: false });
    assert.equal(connection.connack.sessionPresent, this.#connections > 0, `session present of ${this.clientId}`);
    this.#goOn(connection);
  }

  /** Connects with a new session. What was on its way either way is over. */
  async connectAnew(port: number, changes: Omit<ConnectOptions, 'port'> = {}): Promise<void> {
    await this.#reading;
    const connection = await this.#open(port, { ...changes, cleanStart: true });
    assert.equal(connection.connack.sessionPresent, false, `session present of ${this.clientId}`);
    this.#outgoing.clear();
    this.#unreleased.clear();
    this.#goOn(connection);
  }

  #open(port: number, changes: Omit<ConnectOptions, 'port'>): ReturnType<typeof RawClient.connect> {
    const { properties, ...options } = { ...this.#options, ...changes };
    return RawClient.connect({
      ...options,
      port,
      clientId: this.clientId,
      properties: options.protocolVersion === 4 ? {} : { sessionExpiryInterval: NEVER_EXPIRES_SECONDS, ...properties },
    });
  }

  #goOn(connection: RawClient): void {
    this.#connections += 1;
    this.#connection = connection;
    for (const { packet, state } of this.#outgoing.values())
      if (state === 'publish') connection.send({ ...packet, duplicate: true });
      else connection.sendAck('pubrel', packet.packetId);
    this.#reading = this.#read(connection);
  }

  /** Settles with the end of the handshake, over as many connections as that takes: true unless it was refused. */
  publish(topic: string, payload: string, qos: 1 | 2, retain = false): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const packetId = this.#freePacketId();
    const packet: PublishPacket = {
      type: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos,
      retain,
      duplicate: false,
      packetId,
      properties: {},
    };
    this.#outgoing.set(packetId, { packet, state: 'publish', settle: resolve });
    this.#connection?.send(packet);
    return promise;
  }

  /** Settles with the SUBACK, which must grant the QoS asked for. */
  async subscribe(filter: string, qos: Qos = 2): Promise<void> {
    const packetId = this.#freePacketId();
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    this.#requests.set(packetId, resolve);
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    this.connection.send({ type: 'subscribe', packetId, subscriptions: [{ filter, ...options }], properties: {} });
    assert.deepEqual(await promise, [qos]);
  }

  /** Settles when the message has been delivered, be it long ago. */
  receives(topic: string, payload: string): Promise<void> {
    const name = nameOf(topic, payload);
    if (this.#received.has(name)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        reject(new Error(`${this.clientId} did not receive "${payload}", after ${this.deliveries.length} others`));
      }, WAIT_LIMIT_MS).unref();
      this.#expected.set(name, () => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  /** The network goes. */
  async drop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.drop();
    await this.#reading;
  }

  /** Settles when the connection has ended and all it brought has been dealt with. */
  get idle(): Promise<void> {
    return this.#reading;
  }

  payloadsOf(topic: string): string[] {
    return this.deliveries.filter((delivery) => delivery.topic === topic).map(({ payload }) => payload);
  }

  async #read(connection: RawClient): Promise<void> {
    for (;;) {
      let packet: Packet;
      try {
        packet = await connection.next();
      } catch {
        // The connection has ended.
        if (this.#connection === connection) this.#connection = undefined;
        return;
      }
      this.#take(connection, packet);
    }
  }

  #take(connection: RawClient, packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        this.#takePublish(connection, packet);
        return;
      case 'pubrel':
        this.#unreleased.delete(packet.packetId);
        connection.sendAck('pubcomp', packet.packetId);
        return;
      case 'pubrec':
        this.#takePubrec(connection, packet.packetId, packet.reasonCode);
        return;
      case 'puback':
      case 'pubcomp':
        this.#settle(packet.packetId, packet.type === 'pubcomp' ? 0 : packet.reasonCode);
        return;
      case 'suback':
        this.#requests.get(packet.packetId)?.(packet.reasonCodes);
        this.#requests.delete(packet.packetId);
    }
  }

  #takePublish(connection: RawClient, packet: PublishPacket): void {
    const { packetId, topic, qos } = packet;
    if (qos !== 2 || !this.#unreleased.has(packetId)) {
      this.#deliver({ topic, payload: payloadOf(packet), qos });
    }
    if (qos === 2) this.#unreleased.add(packetId);
    if (qos > 0) connection.sendAck(qos === 1 ? 'puback' : 'pubrec', packetId);
  }

  #deliver(delivery: Delivery): void {
    const name = nameOf(delivery.topic, delivery.payload);
    this.deliveries.push(delivery);
    this.#received.add(name);
    this.#expected.get(name)?.();
    this.#expected.delete(name);
  }

  #takePubrec(connection: RawClient, packetId: number, reasonCode: number): void {
    const outgoing = this.#outgoing.get(packetId);
    if (reasonCode >= FIRST_FAILURE) {
      this.#settle(packetId, reasonCode);
      return;
    }
    if (outgoing?.state === 'publish') {
      outgoing.state = 'release';
      this.acknowledgements.add();
    }
    connection.sendAck('pubrel', packetId);
  }

  #settle(packetId: number, reasonCode: number): void {
    const outgoing = this.#outgoing.get(packetId);
    if (outgoing === undefined) return;
    this.#outgoing.delete(packetId);
    if (reasonCode < FIRST_FAILURE && outgoing.state === 'publish') this.acknowledgements.add();
    outgoing.settle(reasonCode < FIRST_FAILURE);
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % 0xffff) + 1;
    while (this.#outgoing.has(this.#lastPacketId) || this.#requests.has(this.#lastPacketId));
    return this.#lastPacketId;
  }
}

function nameOf(topic: string, payload: string): string {
  return `${topic}\n${payload}`;
}
