import assert from 'node:assert/strict';
import { payloadOf } from '../../support/raw-client.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';

const { test, connect, unique } = conformance('3.1.1');

for (const qos of [1, 2] as const) {
  test(`[MQTT-3.3.1-1] QoS ${qos}: what is delivered again has DUP, and not before`, async () => {
    const [clientId, topic] = [unique('c'), unique('topic')];
    await using before = await connect({ clientId, cleanStart: false });
    await before.subscribe(topic);
    await before.publish(topic, 'message', { qos });
    const first = await before.expect('publish');
    await before.drop();
    await using after = await connect({ clientId, cleanStart: false });
    const again = await after.take('publish');
    assert.deepEqual([first.duplicate, again.duplicate], [false, true]);
  });

  test(`[MQTT-3.3.1-3] QoS ${qos}: the DUP flag of the publisher does not reach subscribers`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    await client.subscribe(topic);
    await client.publish(topic, 'message', { qos, duplicate: true });
    assert.equal((await client.receive()).duplicate, false);
  });
}

test('[MQTT-3.3.1-2] messages of QoS 0 have no DUP flag, also when they were published with it at another QoS', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0 });
  for (const qos of [0, 1, 2] as const) {
    await client.publish(topic, 'message', { qos, duplicate: qos > 0 });
    const { duplicate, qos: received } = await client.take('publish');
    assert.deepEqual([duplicate, received], [false, 0]);
  }
});

test('[MQTT-3.3.1-4] PUBLISH with both QoS bits set ends the connection', async () => {
  for (const header of [0x36, 0x37, 0x3e, 0x3f]) {
    await using client = await connect();
    client.sendBytes(frame(header, field('topic'), 0, 1, 'payload'));
    await client.expectClose();
  }
});

test('[MQTT-3.3.2-1] the topic name comes first, and is taken as it is', async () => {
  const topic = `${unique('topic')}/ä/水/𐍈`;
  await using client = await connect();
  await client.subscribe(topic);
  client.sendBytes(frame(0x30, field(topic), 'payload'));
  const packet = await client.receive();
  assert.deepEqual([packet.topic, payloadOf(packet)], [topic, 'payload']);
});

for (const topic of ['#', '+', 'a/+', 'a/#', 'a/+/b', 'a+', 'a#'])
  test(`[MQTT-3.3.2-2] [MQTT-4.7.1-1] a message to ${topic} is not taken`, async () => {
    const prefix = unique('topic');
    await using watcher = await connect();
    await watcher.subscribe(`${prefix}/#`);
    await using publisher = await connect();
    publisher.sendBytes(frame(0x30, field(`${prefix}/${topic}`), 'payload'));
    await publisher.expectClose();
    await watcher.expectNothing();
  });

test('[MQTT-3.3.2-3] a subscriber gets the topics that its filter matches, under their own names', async () => {
  const prefix = unique('topic');
  const topics = [`${prefix}/a/b`, `${prefix}/a/b/c`, `${prefix}/b`, prefix, `${prefix}x/a`];
  const received: Record<string, string[]> = {};
  for (const filter of [`${prefix}/+/b`, `${prefix}/#`, `${prefix}/b`]) {
    await using client = await connect();
    await client.subscribe(filter);
    for (const topic of topics) await client.publish(topic, topic, { qos: 1 });
    client.send({ type: 'pingreq' });
    const names: string[] = [];
    for (;;) {
      const packet = await client.next();
      if (packet.type !== 'publish') break;
      assert.equal(payloadOf(packet), packet.topic);
      names.push(packet.topic.slice(prefix.length));
    }
    received[filter.slice(prefix.length)] = names;
  }
  assert.deepEqual(received, { '/+/b': ['/a/b'], '/#': ['/a/b', '/a/b/c', '/b', ''], '/b': ['/b'] });
});

test('[MQTT-3.3.4-1] QoS 0 has no answer, QoS 1 PUBACK, QoS 2 PUBREC', async () => {
  const topic = unique('topic');
  await using client = await connect();
  client.sendPublish(topic, 'message', { qos: 0 });
  await client.expectNothing();
  const first = client.sendPublish(topic, 'message', { qos: 1 });
  assert.equal((await client.expect('puback')).packetId, first);
  const second = client.sendPublish(topic, 'message', { qos: 2 });
  assert.equal((await client.expect('pubrec')).packetId, second);
});

for (const qos of [0, 1, 2] as const)
  test(`[MQTT-4.6.0-5] [MQTT-4.6.0-6] QoS ${qos}: every topic keeps the order of its publisher`, async () => {
    const topic = unique('topic');
    await using subscriber = await connect();
    await using publisher = await connect();
    await subscriber.subscribe(`${topic}/#`);
    const numbers = Array.from({ length: 20 }, (_, number) => String(number));
    for (const number of numbers) publisher.sendPublish(`${topic}/only`, number, { qos });
    if (qos === 2) for (const _ of numbers) publisher.sendAck('pubrel', (await publisher.take('pubrec')).packetId);
    for (const number of numbers) {
      const packet = await subscriber.take('publish');
      assert.equal(payloadOf(packet), number);
      if (qos > 0) subscriber.sendAck(qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    }
  });

test('[MQTT-4.6.0-6] what is sent again is sent in the order of the first time, PUBREL in that of PUBREC', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  await using publisher = await connect();
  for (const number of [1, 2, 3, 4]) await publisher.publish(topic, String(number), { qos: 2 });
  const packetIds: number[] = [];
  for (let count = 0; count < 4; count++) packetIds.push((await before.expect('publish')).packetId);
  const [first, second, ...others] = packetIds as [number, number, number, number];
  for (const packetId of [first, second]) before.sendAck('pubrec', packetId);
  const released = [(await before.expect('pubrel')).packetId, (await before.expect('pubrel')).packetId];
  assert.deepEqual(released, [first, second]);
  await before.drop();
  await using after = await connect({ clientId, cleanStart: false });
  const again = [await after.take('publish'), await after.take('publish')];
  assert.deepEqual(again.map(payloadOf), ['3', '4']);
  assert.deepEqual(
    again.map(({ packetId }) => packetId),
    others,
  );
});
