import assert from 'node:assert/strict';
import type { Qos } from '../../../src/mqtt/packets.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { publishesBefore, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

/** What a new subscriber gets for this topic before anything else is published. */
async function retainedOf(topic: string): Promise<string[]> {
  await using client = await connect();
  await client.subscribe(topic);
  await client.publish(topic, 'end', { qos: 1 });
  return await textsBefore(client, 'end');
}

async function retain(topic: string, text: string, qos: Qos = 1): Promise<void> {
  await using client = await connect();
  await client.publish(topic, text, { qos, retain: true });
}

for (const qos of [1, 2] as const)
  test(`[MQTT-3.3.1-5] QoS ${qos}: the last retained message takes the place of earlier ones`, async () => {
    const topic = unique('topic');
    await retain(topic, 'first', qos);
    assert.deepEqual(await retainedOf(topic), ['first']);
    await retain(topic, 'second', qos);
    assert.deepEqual(await retainedOf(topic), ['second']);
  });

test('[MQTT-3.3.1-6] a retained message without payload reaches subscribers and removes what was retained', async () => {
  const topic = unique('topic');
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  await retain(topic, 'first');
  await retain(topic, '');
  assert.deepEqual([await subscriber.expectPayload(), await subscriber.expectPayload()], ['first', '']);
  assert.deepEqual(await retainedOf(topic), []);
});

test('[MQTT-3.3.1-7] a message without payload is not retained', async () => {
  const topic = unique('topic');
  await retain(topic, '');
  assert.deepEqual(await retainedOf(topic), []);
});

test('[MQTT-3.3.1-8] a message without RETAIN neither is retained nor changes what is', async () => {
  const [empty, kept] = [unique('topic'), unique('topic')];
  await retain(kept, 'kept');
  await using publisher = await connect();
  for (const topic of [empty, kept]) {
    await publisher.publish(topic, 'passing', { qos: 1 });
    await publisher.publish(topic, '', { qos: 1 });
  }
  assert.deepEqual(await retainedOf(empty), []);
  assert.deepEqual(await retainedOf(kept), ['kept']);
});

/** The retained messages that each of two identical subscriptions of one session brings. */
async function retainedForTwo(client: RawClient, retainHandling: 0 | 1 | 2): Promise<string[][]> {
  const topic = unique('topic');
  await retain(`${topic}/a`, 'a');
  await retain(`${topic}/b`, 'b');
  const brought: string[][] = [];
  for (let round = 0; round < 2; round += 1) {
    await client.subscribe({ filter: `${topic}/+`, retainHandling });
    await client.publish(`${topic}/c`, 'end', { qos: 1 });
    brought.push((await textsBefore(client, 'end')).sort());
  }
  return brought;
}

for (const [name, retainHandling, expected] of [
  [
    '[MQTT-3.3.1-9] retain handling 0 brings them with every subscription',
    0,
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  ],
  ['[MQTT-3.3.1-10] retain handling 1 brings them with a new subscription only', 1, [['a', 'b'], []]],
  ['[MQTT-3.3.1-11] retain handling 2 never brings them', 2, [[], []]],
] as const)
  test(name, async () => {
    await using client = await connect();
    assert.deepEqual(await retainedForTwo(client, retainHandling), expected);
  });

for (const [name, retainAsPublished, expected] of [
  ['[MQTT-3.3.1-12] without Retain As Published no forwarded message has the RETAIN flag', false, [false, false]],
  ['[MQTT-3.3.1-13] with Retain As Published each has the flag it was published with', true, [true, false]],
] as const)
  for (const qos of [0, 1, 2] as const)
    test(`${name}, QoS ${qos}`, async () => {
      const topic = unique('topic');
      await using client = await connect();
      await client.subscribe({ filter: topic, retainAsPublished });
      for (const retain of [true, false]) await client.publish(topic, 'message', { qos, retain });
      await client.publish(topic, 'end', { qos });
      const packets = await publishesBefore(client, 'end');
      assert.deepEqual(
        packets.map((packet) => packet.retain),
        expected,
      );
    });
