import assert from 'node:assert/strict';
import type { PublishPacket, Qos } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, publishesBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

/**
 * The copies of one QoS 2 message that a client with these subscriptions below a topic gets, each with its subscription
 * identifier, or none for 0.
 */
async function copies(...subscriptions: [filter: string, qos: Qos, identifier: number][]): Promise<PublishPacket[]> {
  const topic = unique('topic');
  await using client = await connect();
  for (const [filter, qos, subscriptionIdentifier] of subscriptions)
    await client.subscribe(
      { filter: `${topic}/${filter}`, qos },
      subscriptionIdentifier === 0 ? {} : { subscriptionIdentifier },
    );
  for (const text of ['message', 'end']) await client.publish(`${topic}/a`, text, { qos: 2 });
  return await publishesBefore(client, 'end');
}

for (const [name, subscriptions] of [
  [
    'the highest last',
    [
      ['#', 0],
      ['+', 1],
      ['a', 2],
    ],
  ],
  [
    'the highest first',
    [
      ['#', 2],
      ['+', 1],
      ['a', 0],
    ],
  ],
] as const)
  test(`[MQTT-3.3.4-2] overlapping subscriptions bring a message with the highest QoS among them, ${name}`, async () => {
    const packets = await copies(...subscriptions.map(([filter, qos]) => [filter, qos, 0] as [string, Qos, number]));
    assert.equal(Math.max(...packets.map(({ qos }) => qos)), 2);
  });

test('[MQTT-3.3.4-3] a message names the identifiers of the subscriptions that brought it', async () => {
  const packets = await copies(['#', 1, 1], ['+', 2, 268_435_455], ['a', 2, 0], ['b', 2, 7]);
  const identifiers = packets.flatMap(({ properties }) => properties.subscriptionIdentifiers ?? []);
  assert.deepEqual(identifiers.toSorted(), [1, 268_435_455].toSorted());
});

test('[MQTT-3.3.4-4] [MQTT-3.3.4-5] one copy names all identifiers, each of several that of its subscription', async () => {
  const packets = await copies(['#', 0, 10], ['+', 1, 11], ['a', 2, 12]);
  const identifiers = packets.map(({ properties }) => [...(properties.subscriptionIdentifiers ?? [])].toSorted());
  if (packets.length === 1) assert.deepEqual(identifiers, [[10, 11, 12]]);
  else assert.deepEqual(identifiers.toSorted(), [[10], [11], [12]]);
});

test('[MQTT-3.3.4-3] the identifier is also named for retained messages and for those of a shared subscription', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.publish(topic, 'retained', { qos: 1, retain: true });
  await client.subscribe(topic, { subscriptionIdentifier: 3 });
  assert.deepEqual((await client.expect('publish')).properties.subscriptionIdentifiers, [3]);
  await using member = await connect();
  await member.subscribe(`$share/group/${topic}`, { subscriptionIdentifier: 4 });
  await client.publish(topic, 'live', { qos: 1 });
  assert.deepEqual((await member.expect('publish')).properties.subscriptionIdentifiers, [4]);
});

test('[MQTT-3.3.4-6] a PUBLISH with a subscription identifier ends the connection', async () => {
  const topic = unique('topic');
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  await using publisher = await connect();
  publisher.sendPublish(topic, 'message', { properties: { subscriptionIdentifiers: [1] } });
  await expectRefusal(publisher, ReasonCode.protocolError, ReasonCode.malformedPacket);
  await subscriber.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await publishesBefore(subscriber, 'end'), []);
});
