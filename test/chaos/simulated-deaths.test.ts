import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Chance, chanceOf, SCALE } from './support/chance.ts';
import { assertSeries } from './support/load.ts';
import { MortalBroker } from './support/mortal-broker.ts';
import { StrictClient } from './support/strict-client.ts';

const ROUNDS = 40 * SCALE;
const STEPS = 60;

/** A topic with one publisher, whose messages are counted up. */
interface Series {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly client: StrictClient;
  sent: number;
}

/** Random lives of a broker, its publishers and its subscribers, one step at a time. */
class World implements AsyncDisposable {
  readonly series: readonly Series[];
  readonly subscribers: readonly StrictClient[];
  readonly #broker: MortalBroker;
  readonly #chance: Chance;
  readonly #published: Promise<boolean>[] = [];

  private constructor(broker: MortalBroker, chance: Chance) {
    this.#broker = broker;
    this.#chance = chance;
    this.series = ([1, 2] as const).map((qos) => {
      const protocolVersion = chance.oneOf([4, 5] as const);
      return { topic: `t/${qos}`, qos, client: new StrictClient(`publisher-${qos}`, { protocolVersion }), sent: 0 };
    });
    this.subscribers = [1, 2].map(
      (number) => new StrictClient(`subscriber-${number}`, { properties: { receiveMaximum: 1 + chance.below(6) } }),
    );
  }

  static async create(chance: Chance): Promise<World> {
    const broker = await MortalBroker.start(chance, { 'mqtt.max_inflight_messages': 1 + chance.below(8) });
    const world = new World(broker, chance);
    for (const client of world.#everybody) await client.connect(broker.port);
    for (const subscriber of world.subscribers) await subscriber.subscribe('t/#');
    return world;
  }

  async step(): Promise<void> {
    const chance = this.#chance;
    const client = chance.oneOf(this.#everybody);
    switch (chance.below(10)) {
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
        if (!client.connected) await client.connect(this.#broker.port);
        return;
      case 4:
        if (client.connected) client.connection.pause();
        return;
      case 5:
        if (client.connected) client.connection.resume();
        return;
      case 6:
        for (let turns = chance.below(10); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
        return;
      default:
        this.#publish(chance.oneOf(this.series), 1 + chance.below(5));
    }
  }

  /** Everybody is there and reads; then whatever was acknowledged must have come, as often as its QoS allows. */
  async settle(): Promise<void> {
    for (const client of this.#everybody)
      if (client.connected) client.connection.resume();
      else await client.connect(this.#broker.port);
    for (const series of this.series) this.#publish(series, 1);
    for (const acknowledged of await Promise.all(this.#published)) assert(acknowledged);
    for (const { topic, qos, sent } of this.series)
      for (const subscriber of this.subscribers) {
        await subscriber.receives(topic, `${topic} ${sent - 1}`);
        assertSeries(subscriber.payloadsOf(topic), topic, sent, qos);
      }
    assert.deepEqual(this.#broker.failures, []);
  }

  get #everybody(): StrictClient[] {
    return [...this.series.map(({ client }) => client), ...this.subscribers];
  }

  #publish(series: Series, count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#published.push(series.client.publish(series.topic, `${series.topic} ${series.sent}`, series.qos));
      series.sent += 1;
    }
  }

  async #dieAndRevive(): Promise<void> {
    await this.#broker.die();
    for (const client of this.#everybody) await client.drop();
    await this.#broker.revive();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#everybody) await client.drop();
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
