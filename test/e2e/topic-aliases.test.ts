import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PublishPacket, Qos } from '../../src/mqtt/packets.ts';
import type { PropertiesOf } from '../../src/mqtt/property.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const QOS: readonly Qos[] = [0, 1];

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start({ 'mqtt.topic_alias_maximum_to_client': 3, 'telemetry.propagation': 'preserve' });
});
after(() => broker[Symbol.asyncDispose]());

function connect(properties: PropertiesOf<'connect'>, more: { clientId?: string; cleanStart?: boolean } = {}) {
  return RawClient.connect({ port: broker.port, properties, ...more });
}

const seen = ({ topic, properties }: PublishPacket) => [topic, properties.topicAlias];

describe('topic aliases from the broker', () => {
  for (const qos of QOS)
    for (const sessionExpiryInterval of [0, 60])
      test(`QoS ${qos}, expiry ${sessionExpiryInterval}: with the first message of a topic, then in its place`, async () => {
        const [first, second] = [`alias/${qos}/${sessionExpiryInterval}/a`, `alias/${qos}/${sessionExpiryInterval}/b`];
        await using client = await connect({ topicAliasMaximum: 10, sessionExpiryInterval });
        await client.subscribe([first, second]);
        await using publisher = await connect({});
        const got: PublishPacket[] = [];
        for (const topic of [first, first, second, first, second]) {
          await publisher.publish(topic, topic, { qos });
          got.push(await client.receive());
        }
        assert.deepEqual(got.map(seen), [
          [first, 1],
          ['', 1],
          [second, 2],
          ['', 1],
          ['', 2],
        ]);
        assert.deepEqual(got.map(payloadOf), [first, first, second, first, second]);
      });

  for (const sessionExpiryInterval of [0, 60])
    test(`are not used at QoS 2, expiry ${sessionExpiryInterval}, even where the topic has one`, async () => {
      const topic = `exactly/once/${sessionExpiryInterval}`;
      await using client = await connect({ topicAliasMaximum: 10, sessionExpiryInterval });
      await client.subscribe(topic);
      const got: PublishPacket[] = [];
      for (const qos of [2, 0, 2, 0] as const) {
        await client.publish(topic, 'x', { qos });
        got.push(await client.receive());
      }
      assert.deepEqual(got.map(seen), [
        [topic, undefined],
        [topic, 1],
        [topic, undefined],
        ['', 1],
      ]);
    });

  test('are never more than the client or the configuration allows [MQTT-3.1.2-26] [MQTT-3.3.2-11]', async () => {
    for (const [topicAliasMaximum, expected] of [
      [1, [1, undefined, undefined, undefined]],
      [65_535, [1, 2, 3, undefined]],
    ] as const) {
      await using client = await connect({ topicAliasMaximum });
      await client.subscribe(`many/${topicAliasMaximum}/#`);
      await using publisher = await connect({});
      for (const _ of [1, 2])
        for (const topic of [1, 2, 3, 4]) await publisher.publish(`many/${topicAliasMaximum}/${topic}`, 'x');
      const got: (number | undefined)[] = [];
      for (let count = 0; count < 8; count += 1) got.push((await client.receive()).properties.topicAlias);
      assert.deepEqual(got, [...expected, ...expected]);
    }
  });

  test('are not used where the client named no maximum, or 0 [MQTT-3.1.2-27]', async () => {
    for (const properties of [{}, { topicAliasMaximum: 0 }]) {
      await using client = await connect(properties);
      await client.subscribe('none');
      for (const _ of [1, 2]) {
        await client.publish('none', 'x');
        assert.deepEqual(seen(await client.receive()), ['none', undefined]);
      }
    }
  });

  test('end with the connection: what is sent again on the next names its topic', async () => {
    const properties = { topicAliasMaximum: 10, sessionExpiryInterval: 60 };
    const first = await connect(properties, { clientId: 'again' });
    await first.subscribe(['again/1', 'again/2']);
    await using publisher = await connect({});
    for (const topic of ['again/1', 'again/2']) for (const _ of [1, 2]) await publisher.publish(topic, 'x', { qos: 1 });
    for (let count = 0; count < 4; count += 1) await first.expect('publish');
    await first.drop();
    await using second = await connect(properties, { clientId: 'again', cleanStart: false });
    const resent: PublishPacket[] = [];
    for (let count = 0; count < 4; count += 1) resent.push(await second.expect('publish'));
    assert.deepEqual(resent.map(seen), [
      ['again/1', 1],
      ['', 1],
      ['again/2', 2],
      ['', 2],
    ]);
    assert.ok(resent.every(({ duplicate }) => duplicate));
  });

  test('that would make a packet too large for the client are left out', async () => {
    const topic = 'tight/fit';
    // Fixed header 2, topic 2 + 9, length of the properties 1, payload 50: without an alias it fits exactly.
    await using client = await connect({ topicAliasMaximum: 10, maximumPacketSize: 64 });
    await client.subscribe(topic);
    await client.publish(topic, 'x'.repeat(50));
    assert.deepEqual(seen(await client.receive()), [topic, undefined]);
    await client.publish(topic, 'x');
    assert.deepEqual(seen(await client.receive()), [topic, 1]);
    await client.publish(topic, 'x'.repeat(50));
    assert.deepEqual(seen(await client.receive()), ['', 1]);
  });

  test('come, like traceparent, only where there is room: neither makes a message too large [MQTT-3.1.2-24]', async () => {
    await using tracing = await TestBroker.start({ 'telemetry.sampling.rate': 1 });
    const { port } = tracing;
    const properties = { topicAliasMaximum: 10, maximumPacketSize: 64 };
    await using client = await RawClient.connect({ port, properties });
    await client.subscribe('tight/fit');
    for (const qos of [0, 1, 2] as const) {
      await client.publish('tight/fit', 'x'.repeat(48), { qos });
      const { topic, properties: received } = await client.receive();
      assert.deepEqual([topic, received.userProperties], ['tight/fit', undefined]);
    }
  });

  test('are understood by mqtt.js', async () => {
    await using client = await MqttJsClient.connect(broker.port, { properties: { topicAliasMaximum: 10 } });
    await client.client.subscribeAsync('js/+', { qos: 2 });
    await using publisher = await connect({});
    for (const [topic, qos] of [
      ['js/a', 2],
      ['js/b', 0],
      ['js/a', 0],
      ['js/b', 1],
      ['js/a', 1],
      ['js/a', 2],
    ] as const) {
      await publisher.publish(topic, topic, { qos });
      const message = await client.next();
      assert.deepEqual([message.topic, message.text], [topic, topic]);
    }
  });
});
