import { after, describe, test } from 'node:test';
import { chanceOf, SCALE } from './support/chance.ts';
import { assertDelivered, publishSeries, seriesOf } from './support/load.ts';
import { Restartable } from './support/restartable.ts';
import { StrictClient } from './support/strict-client.ts';

const MESSAGES = 1500 * SCALE;
const KILLS = 3 * SCALE;
/** Small segments, so that kills fall into the making of new ones too. */
const SETTINGS = { 'journal.segment_bytes': 128 * 1024, 'mqtt.max_inflight_messages': 64 };

interface Series {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly client: StrictClient;
}

describe('a broker killed under load', () => {
  const clients: StrictClient[] = [];
  after(() => Promise.all(clients.map((client) => client.drop())));

  test('keeps what it acknowledged, in order, and QoS 2 exactly once', async (t) => {
    const chance = chanceOf(t);
    await using broker = await Restartable.start(SETTINGS);
    const series: Series[] = ([1, 2] as const).flatMap((qos) =>
      ([4, 5] as const).map((protocolVersion) => {
        const topic = `load/qos${qos}/v${protocolVersion}`;
        return { topic, qos, client: new StrictClient(`publisher-${qos}-${protocolVersion}`, { protocolVersion }) };
      }),
    );
    const subscribers = [
      new StrictClient('subscriber-4', { protocolVersion: 4 }),
      new StrictClient('subscriber-5', { properties: { receiveMaximum: 7 } }),
    ];
    const everybody = [...series.map(({ client }) => client), ...subscribers];
    clients.push(...everybody);
    for (const client of everybody) await client.connect(broker.port);
    for (const subscriber of subscribers) await subscriber.subscribe('load/#');

    const published = series.map(({ client, topic, qos }) =>
      publishSeries(client, { topic, qos, count: MESSAGES, window: 20 }),
    );
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const { client } = chance.oneOf(series);
      await client.acknowledgements.reaches(Math.floor((MESSAGES * kill) / (KILLS + 1)) + chance.below(50));
      await broker.kill();
      await broker.start();
      await Promise.all(everybody.map((survivor) => survivor.connect(broker.port)));
    }
    await Promise.all(published);
    for (const { client, topic } of series) await client.publish(topic, `${topic} ${MESSAGES}`, 2);
    for (const subscriber of subscribers)
      for (const { topic, qos } of series) {
        await subscriber.receives(topic, `${topic} ${MESSAGES}`);
        assertDelivered(subscriber.payloadsOf(topic), seriesOf(topic, MESSAGES + 1), qos);
      }
  });
});
