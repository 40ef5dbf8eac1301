import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PublishPacket, Qos } from '../../src/mqtt/packets.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

const shown = (packet: PublishPacket) => [packet.topic, payloadOf(packet), packet.qos, packet.retain];

/** What a new subscriber to the filter gets before an ordinary message that follows. */
async function retainedFor(filter: string, end: string): Promise<unknown[]> {
  await using client = await RawClient.connect({ port: broker.port });
  await client.subscribe(filter);
  await client.publish(end, 'end', { qos: 1 });
  const packets: unknown[] = [];
  while (true) {
    const packet = await client.receive();
    if (payloadOf(packet) === 'end') return packets;
    packets.push(shown(packet));
  }
}

describe('retained messages', () => {
  for (const protocolVersion of [4, 5] as const)
    test(`mqtt.js ${protocolVersion}: set, replaced and cleared`, async () => {
      const topic = `retained/js/${protocolVersion}`;
      await using publisher = await MqttJsClient.connect(broker.port, { protocolVersion });
      for (const text of ['old', 'new']) await publisher.client.publishAsync(topic, text, { qos: 1, retain: true });
      await using subscriber = await MqttJsClient.connect(broker.port, { protocolVersion });
      await subscriber.client.subscribeAsync(topic, { qos: 1 });
      const { text, packet } = await subscriber.next();
      assert.deepEqual([text, packet.retain, packet.qos], ['new', true, 1]);
      await publisher.client.publishAsync(topic, '', { qos: 1, retain: true });
      assert.equal((await subscriber.next()).text, '');
      assert.deepEqual(await retainedFor(topic, topic), []);
    });

  for (const qos of [0, 1, 2] as const)
    test(`QoS ${qos}: kept with its QoS, replaced, cleared by an empty payload [MQTT-3.3.1-6]`, async () => {
      const topic = `retained/${qos}`;
      await using client = await RawClient.connect({ port: broker.port });
      await client.publish(topic, 'one', { qos, retain: true });
      await client.publish(topic, 'two', { qos, retain: true });
      // A message without the flag leaves what is retained alone [MQTT-3.3.1-8].
      await client.publish(topic, 'passing', { qos });
      await client.expectNothing();
      assert.deepEqual(await retainedFor(topic, topic), [[topic, 'two', qos, true]]);
      await client.publish(topic, '', { qos, retain: true });
      await client.expectNothing();
      assert.deepEqual(await retainedFor(topic, topic), []);
    });

  test('a subscriber gets the lower QoS, and those its wildcards match', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    for (const topic of ['wild/a', 'wild/a/b', 'wild/c', '$wild/a'])
      await client.publish(topic, topic, { qos: 2, retain: true });
    const topics = async (filter: string): Promise<string[]> => {
      await using subscriber = await RawClient.connect({ port: broker.port });
      await subscriber.subscribe({ filter, qos: 1 });
      await client.publish('wild/end', 'end', { qos: 1 });
      const all: string[] = [];
      for (let packet = await subscriber.receive(); packet.topic !== 'wild/end'; packet = await subscriber.receive()) {
        assert.deepEqual([packet.qos, packet.retain], [1, true]);
        all.push(packet.topic);
      }
      return all.sort();
    };
    assert.deepEqual(await topics('wild/+'), ['wild/a', 'wild/c']);
    assert.deepEqual(await topics('wild/#'), ['wild/a', 'wild/a/b', 'wild/c']);
    // [MQTT-4.7.2-1]
    assert(!(await topics('+/#')).includes('$wild/a'));
    for (const topic of ['wild/a', 'wild/a/b', 'wild/c', '$wild/a'])
      await client.publish(topic, '', { qos: 1, retain: true });
  });

  test('come through live subscriptions without the flag, unless retained as published [MQTT-3.3.1-12] [MQTT-3.3.1-13]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await using other = await RawClient.connect({ port: broker.port });
    await client.subscribe({ filter: 'live/retained' });
    await other.subscribe({ filter: 'live/retained', retainAsPublished: true });
    for (const qos of [0, 1, 2] as const) {
      await client.publish('live/retained', 'x', { qos, retain: true });
      assert.deepEqual(shown(await client.receive()), ['live/retained', 'x', qos, false]);
      assert.deepEqual(shown(await other.receive()), ['live/retained', 'x', qos, true]);
      await client.publish('live/retained', 'y', { qos });
      assert.deepEqual(shown(await client.receive()), ['live/retained', 'y', qos, false]);
      assert.deepEqual(shown(await other.receive()), ['live/retained', 'y', qos, false]);
    }
  });

  test('retain handling: 0 always, 1 only a new subscription, 2 never [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.publish('handling', 'kept', { qos: 1, retain: true });
    await client.subscribe({ filter: 'handling', retainHandling: 2 });
    await client.expectNothing();
    await client.subscribe({ filter: 'handling', retainHandling: 1 });
    await client.expectNothing();
    await client.subscribe({ filter: 'handling', retainHandling: 0 });
    assert.deepEqual(shown(await client.receive()), ['handling', 'kept', 1, true]);
    await client.unsubscribe('handling');
    await client.subscribe({ filter: 'handling', retainHandling: 1 });
    assert.deepEqual(shown(await client.receive()), ['handling', 'kept', 1, true]);
  });

  test('are not sent to shared subscriptions (section 4.8.2)', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.publish('shared/retained', 'kept', { qos: 1, retain: true });
    await client.subscribe('$share/group/shared/retained');
    await client.publish('shared/retained', 'fresh', { qos: 1 });
    assert.equal(payloadOf(await client.receive()), 'fresh');
  });

  for (const qos of [1, 2] as const)
    test(`more at QoS ${qos} than the client's window all arrive, each once`, async () => {
      await using publisher = await RawClient.connect({ port: broker.port });
      const topics = Array.from({ length: 40 }, (_, number) => `many/${qos}/${number}`);
      for (const topic of topics) await publisher.publish(topic, topic, { qos, retain: true });
      await using client = await RawClient.connect({ port: broker.port, properties: { receiveMaximum: 3 } });
      await client.subscribe(`many/${qos}/#`);
      const received: string[] = [];
      for (const _ of topics) received.push((await client.receive()).topic);
      assert.deepEqual(received.sort(), topics.sort());
      await client.publish(`many/${qos}/end`, 'end', { qos: 1 });
      assert.equal(payloadOf(await client.receive()), 'end');
    });

  test('a retained message that a window is waiting for and that is cleared meanwhile is not sent', async () => {
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const name of ['a', 'b']) await publisher.publish(`cleared/${name}`, name, { qos: 1, retain: true });
    await using client = await RawClient.connect({ port: broker.port, properties: { receiveMaximum: 1 } });
    await client.subscribe('cleared/#');
    const first = await client.expect('publish');
    const other = first.topic === 'cleared/a' ? 'cleared/b' : 'cleared/a';
    await publisher.publish(other, '', { qos: 1, retain: true });
    client.sendAck('puback', first.packetId);
    // The clearing itself is an ordinary message to a subscriber.
    assert.deepEqual(shown(await client.receive()), [other, '', 1, false]);
    await client.expectNothing();
  });

  test('a retained message larger than the client takes is left out, the others come', async () => {
    await using publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('size/large', 'x'.repeat(500), { qos: 1, retain: true });
    await publisher.publish('size/small', 'x', { qos: 1, retain: true });
    await using client = await RawClient.connect({ port: broker.port, properties: { maximumPacketSize: 200 } });
    await client.subscribe('size/#');
    assert.equal((await client.receive()).topic, 'size/small');
    await client.expectNothing();
  });

  test('keep their properties', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    const properties = { contentType: 'text/plain', responseTopic: 'answers', correlationData: Buffer.from([1, 2]) };
    for (const qos of [0, 1, 2] as Qos[]) {
      await client.publish('described', 'x', { qos, retain: true, properties });
      await client.expectNothing();
      await client.subscribe('described');
      const packet = await client.receive();
      assert.equal(packet.properties.contentType, 'text/plain');
      assert.equal(packet.properties.responseTopic, 'answers');
      assert.deepEqual([...packet.properties.correlationData!], [1, 2]);
      await client.unsubscribe('described');
    }
  });
});
