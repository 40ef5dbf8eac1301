import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Chance, chanceOf, SCALE } from './support/chance.ts';
import { assertDelivered } from './support/load.ts';
import { MortalBroker } from './support/mortal-broker.ts';
import { StrictClient } from './support/strict-client.ts';

const ROUNDS = 12 * SCALE;
const STEPS = 60;
const GROUP = '$share/group/t/#';

/** A topic with one publisher, whose messages are counted up. */
interface Series {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly client: StrictClient;
  readonly sent: string[];
}

/** Random lives of a broker, its publishers and its subscribers, one step at a time. */
class World implements AsyncDisposable {
  readonly #broker: MortalBroker;
  readonly #chance: Chance;
  readonly #series: readonly Series[];
  /** Each gets everything. */
  readonly #subscribers: readonly StrictClient[];
  /** Together they get everything. These stay in the group, whether they are there or not. */
  readonly #members: readonly StrictClient[];
  /** These come into the group and leave it for good, with all they have not acknowledged, when their sessions end. */
  readonly #guests: readonly StrictClient[];
  /** Leaves a will with every connection. */
  readonly #testator = new StrictClient('testator');
  readonly #wills: string[] = [];
  readonly #handshakes: Promise<boolean>[] = [];
  #staying: Promise<void>[] = [];
  #isOver = false;
  /**
   * A full disk ends the connections of MQTT 3.1.1 publishers, who send everything again. Those of MQTT 5 are told of each
   * message, and what they make of it is theirs: the order of what comes after a refusal they did not hear is no one's.
   */
  readonly #protocolVersion: 4 | 5;

  private constructor(broker: MortalBroker, chance: Chance) {
    const receiving = (clientId: string): StrictClient =>
      new StrictClient(clientId, { properties: { receiveMaximum: 1 + chance.below(6) } });
    this.#broker = broker;
    this.#chance = chance;
    const protocolVersion = chance.oneOf([4, 5] as const);
    this.#protocolVersion = protocolVersion;
    this.#series = ([1, 2] as const).map((qos) => {
      const client = new StrictClient(`publisher-${qos}`, { protocolVersion });
      return { topic: `t/${qos}`, qos, client, sent: [] };
    });
    this.#subscribers = ['subscriber-1', 'subscriber-2'].map(receiving);
    this.#members = ['member-1', 'member-2'].map(receiving);
    this.#guests = ['guest-1', 'guest-2'].map(receiving);
  }

  static async create(chance: Chance): Promise<World> {
    const broker = await MortalBroker.start(chance, { 'mqtt.max_inflight_messages': 1 + chance.below(8) });
    const world = new World(broker, chance);
    for (const client of world.#everybody) await world.#connect(client);
    for (const subscriber of world.#subscribers)
      for (const filter of ['t/#', 'will']) await subscriber.subscribe(filter);
    for (const member of world.#members) await member.subscribe(GROUP);
    return world;
  }

  async step(): Promise<void> {
    const chance = this.#chance;
    const client = chance.oneOf(this.#everybody);
    switch (chance.below(13)) {
      case 0:
        await this.#dieAndRevive();
        return;
      case 1:
        await this.#broker.checkpoint();
        return;
      case 2:
        await client.drop();
        return;
      case 3:
        if (!client.connected) await this.#connect(client);
        return;
      case 4:
        if (client.connected) client.connection.pause();
        return;
      case 5:
        if (client.connected) client.connection.resume();
        return;
      case 6:
        await this.#turns();
        return;
      case 7:
        this.#broker.diskFull = this.#protocolVersion === 4 && chance.below(2) === 0;
        return;
      case 8:
        // What the end of a connection brings about is under way.
        await client.drop();
        await this.#turns();
        await this.#dieAndRevive();
        return;
      default:
        this.#publish(chance.oneOf(this.#series), 1 + chance.below(5));
    }
  }

  /** Everybody is there and reads; then whatever was acknowledged must have come, as often as its QoS allows. */
  async settle(): Promise<void> {
    this.#broker.diskFull = false;
    await this.#testator.drop();
    const staying = this.#everybody.filter((client) => client !== this.#testator);
    this.#staying = staying.map((client) => this.#stay(client));
    this.#broker.tick();
    for (const series of this.#series) this.#publish(series, 1);
    for (const accepted of await Promise.all(this.#handshakes)) assert(accepted);
    for (const series of this.#series) await this.#check(series);
    await this.#checkWills();
  }

  async #connect(client: StrictClient): Promise<void> {
    const { port } = this.#broker;
    if (client === this.#testator) await this.#connectTestator();
    else if (this.#guests.includes(client)) {
      const sessionExpiryInterval = this.#chance.oneOf([0, 3600]);
      await client.connectAnew(port, {
        properties: { sessionExpiryInterval, receiveMaximum: 1 + this.#chance.below(6) },
      });
      await client.subscribe(GROUP, 1);
    } else await client.connect(port);
  }

  /** A will without delay is published when the connection ends, one with a delay when a clean start ends the session. */
  async #connectTestator(): Promise<void> {
    const text = `will ${this.#wills.length}`;
    const willDelayInterval = this.#chance.oneOf([0, 3600]);
    await this.#testator.connectAnew(this.#broker.port, {
      properties: { sessionExpiryInterval: this.#chance.oneOf([0, 7200]) },
      will: { topic: 'will', payload: Buffer.from(text), qos: 1, retain: false, properties: { willDelayInterval } },
    });
    this.#wills.push(text);
  }

  /** A client that did not read may learn only now that its connection has ended. */
  async #stay(client: StrictClient): Promise<void> {
    while (!this.#isOver) {
      if (!client.connected) await this.#connect(client);
      client.connection.resume();
      await client.idle;
    }
  }

  async #check({ topic, qos, sent }: Series): Promise<void> {
    for (const subscriber of this.#subscribers) {
      await subscriber.receives(topic, sent.at(-1)!);
      assertDelivered(subscriber.payloadsOf(topic), sent, qos);
    }
    const members = [...this.#members, ...this.#guests];
    for (const payload of sent) await Promise.any(members.map((member) => member.receives(topic, payload)));
    const delivered = members.flatMap(({ deliveries }) => deliveries).filter((delivery) => delivery.topic === topic);
    assert.deepEqual(new Set(delivered.map(({ payload }) => payload)), new Set(sent));
    // Guests get it at QoS 1, and leave with it unacknowledged.
    const once = delivered.filter((delivery) => delivery.qos === 2).map(({ payload }) => payload);
    assert.equal(new Set(once).size, once.length, 'no message goes to two members at QoS 2');
  }

  /** A full disk takes no wills either, and nobody is there to send them again. */
  async #checkWills(): Promise<void> {
    if (this.#protocolVersion === 4) return;
    const owed = [...this.#wills];
    await this.#connectTestator();
    for (const subscriber of this.#subscribers) {
      for (const text of owed) await subscriber.receives('will', text);
      assertDelivered(subscriber.payloadsOf('will'), owed, 1);
    }
  }

  get #everybody(): StrictClient[] {
    const publishers = this.#series.map(({ client }) => client);
    return [...publishers, ...this.#subscribers, ...this.#members, ...this.#guests, this.#testator];
  }

  #publish({ topic, qos, client, sent }: Series, count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const payload = `${topic} ${sent.length}`;
      sent.push(payload);
      this.#handshakes.push(client.publish(topic, payload, qos));
    }
  }

  async #turns(): Promise<void> {
    for (let left = this.#chance.below(10); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async #dieAndRevive(): Promise<void> {
    await this.#broker.die();
    for (const client of this.#everybody) await client.drop();
    await this.#broker.revive();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const client of this.#everybody) await client.drop();
    await Promise.allSettled(this.#staying);
    await this.#broker[Symbol.asyncDispose]();
  }
}

describe('a broker that dies between any two events', () => {
  test('loses nothing it acknowledged, keeps the order, and sends QoS 2 exactly once', async (t) => {
    const chance = chanceOf(t);
    for (let round = 0; round < ROUNDS; round += 1) {
      await using world = await World.create(chance);
      for (let step = 0; step < STEPS; step += 1) await world.step();
      await world.settle();
    }
  });
});
