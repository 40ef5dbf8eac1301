import assert from 'node:assert/strict';
import { payloadOf } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { publishesBefore, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

/** What a new subscriber at QoS 2 gets for this topic before anything else is published: text, QoS and RETAIN. */
async function retainedOf(topic: string): Promise<[string, number, boolean][]> {
  await using client = await connect();
  await client.subscribe(topic);
  await client.publish(topic, 'end', { qos: 2 });
  return (await publishesBefore(client, 'end')).map((packet) => [payloadOf(packet), packet.qos, packet.retain]);
}

for (const qos of [0, 1, 2] as const)
  test(`[MQTT-3.3.1-5] [MQTT-3.3.1-8] QoS ${qos}: a retained message is kept with its QoS, and sent as retained`, async () => {
    const topic = unique('topic');
    await using publisher = await connect();
    await publisher.publish(topic, 'kept', { qos, retain: true });
    await publisher.expectNothing();
    assert.deepEqual(await retainedOf(topic), [['kept', qos, true]]);
  });

test('[MQTT-3.3.1-6] the last retained message of every matching topic is sent to a new subscriber', async () => {
  const prefix = unique('topic');
  await using publisher = await connect();
  for (const topic of [`${prefix}/a`, `${prefix}/b`, `${prefix}/b/c`])
    for (const text of ['first', 'last']) await publisher.publish(topic, `${topic} ${text}`, { qos: 1, retain: true });
  await using client = await connect();
  await client.subscribe(`${prefix}/+`);
  await client.publish(`${prefix}/end`, 'end', { qos: 1 });
  assert.deepEqual((await textsBefore(client, 'end')).sort(), [`${prefix}/a last`, `${prefix}/b last`]);
});

test('[MQTT-3.3.1-7] a retained message of QoS 0 takes the place of what was there, or leaves nothing', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await publisher.publish(topic, 'old', { qos: 1, retain: true });
  await publisher.publish(topic, 'new', { qos: 0, retain: true });
  await publisher.expectNothing();
  const [kept, ...more] = await retainedOf(topic);
  assert.deepEqual([kept?.[0] ?? 'new', more], ['new', []]);
});

for (const qos of [0, 1, 2] as const)
  test(`[MQTT-3.3.1-9] QoS ${qos}: what matches an established subscription is sent without RETAIN`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    await client.subscribe(topic);
    await client.publish(topic, 'message', { qos, retain: true });
    assert.equal((await client.receive()).retain, false);
  });

for (const qos of [0, 1, 2] as const)
  test(`[MQTT-3.3.1-10] [MQTT-3.3.1-11] QoS ${qos}: without payload it is sent on, and removes what was retained`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    await client.publish(topic, 'kept', { qos: 1, retain: true });
    await client.subscribe(topic);
    assert.equal(payloadOf(await client.receive()), 'kept');
    await client.publish(topic, '', { qos, retain: true });
    const { payload, retain } = await client.receive();
    assert.deepEqual([payload.length, retain], [0, false]);
    assert.deepEqual(await retainedOf(topic), []);
  });

test('[MQTT-3.3.1-11] a message without payload is not retained where nothing was', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await publisher.publish(topic, '', { qos: 1, retain: true });
  assert.deepEqual(await retainedOf(topic), []);
});

test('[MQTT-3.3.1-12] without RETAIN nothing is stored, removed or replaced', async () => {
  const [empty, kept] = [unique('topic'), unique('topic')];
  await using publisher = await connect();
  await publisher.publish(kept, 'kept', { qos: 1, retain: true });
  for (const topic of [empty, kept])
    for (const text of ['passing', '']) await publisher.publish(topic, text, { qos: 1 });
  assert.deepEqual(await retainedOf(empty), []);
  assert.deepEqual(await retainedOf(kept), [['kept', 1, true]]);
});
