import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Qos } from '../../src/mqtt/packets.ts';
import type { PropertiesOf, UserProperty } from '../../src/mqtt/property.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const QOS: readonly Qos[] = [0, 1, 2];

let broker: TestBroker;
before(async () => {
  // Nothing is added to what publishers sent.
  broker = await TestBroker.start({ 'telemetry.propagation': 'preserve' });
});
after(() => broker[Symbol.asyncDispose]());

describe('properties of a message', () => {
  const userProperties: UserProperty[] = [
    ['z', '1'],
    ['a', 'ä€😀'],
    ['z', '1'],
    ['', ''],
    ['traceparent', 'not a context'],
  ];
  const properties: PropertiesOf<'publish'> = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'answers/here',
    correlationData: new Uint8Array([0, 255, 1]),
    userProperties,
  };

  for (const qos of QOS)
    test(`QoS ${qos}: are forwarded as they were sent, live, late and retained [MQTT-3.3.2-4] [MQTT-3.3.2-15]`, async () => {
      const topic = `properties/${qos}`;
      const identity = { port: broker.port, clientId: topic, properties: { sessionExpiryInterval: 60 } };
      const live = await RawClient.connect(identity);
      await live.subscribe(topic);
      await using publisher = await RawClient.connect({ port: broker.port });
      await publisher.publish(topic, 'live', { qos, properties: { ...properties, topicAlias: 3 } });
      assert.deepEqual((await live.receive()).properties, properties);
      await live.disconnect();
      await publisher.publish(topic, 'late', { qos, retain: true, properties });
      await using late = await RawClient.connect({ ...identity, cleanStart: false });
      if (qos > 0) assert.deepEqual((await late.receive()).properties, properties);
      await late.subscribe(topic);
      const retained = await late.receive();
      assert.equal(retained.retain, true);
      assert.deepEqual(retained.properties, properties);
    });

  test('order and repetition of user properties are kept [MQTT-3.3.2-18], also by mqtt.js', async () => {
    await using client = await MqttJsClient.connect(broker.port);
    await client.client.subscribeAsync('js/properties', { qos: 1 });
    const sent = { second: ['2', '3'], first: '1' };
    await client.client.publishAsync('js/properties', 'x', { qos: 1, properties: { userProperties: sent } });
    const { packet } = await client.next();
    assert.deepEqual({ ...packet.properties?.userProperties }, sent);
  });

  test('are left out for MQTT 3.1.1', async () => {
    await using old = await RawClient.connect({ port: broker.port, protocolVersion: 4 });
    await old.subscribe('down');
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const qos of QOS) {
      await publisher.publish('down', `${qos}`, { qos, properties });
      assert.equal(payloadOf(await old.receive()), `${qos}`);
    }
  });

  test('request and response: a responder answers where it is asked to, with the correlation data', async () => {
    await using requester = await RawClient.connect({ port: broker.port });
    await using responder = await RawClient.connect({ port: broker.port });
    await requester.subscribe('answers/here');
    await responder.subscribe('requests');
    await requester.publish('requests', 'question', { qos: 1, properties });
    const request = await responder.receive();
    const { responseTopic, correlationData } = request.properties;
    await responder.publish(responseTopic!, 'answer', { qos: 1, properties: { correlationData: correlationData! } });
    const answer = await requester.receive();
    assert.deepEqual([payloadOf(answer), [...answer.properties.correlationData!]], ['answer', [0, 255, 1]]);
  });
});

describe('message expiry', () => {
  const expiring = { messageExpiryInterval: 100 };

  test('a message that is sent on at once keeps its interval', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('expiry/live');
    for (const qos of QOS) {
      await client.publish('expiry/live', 'x', { qos, properties: expiring });
      assert.equal((await client.receive()).properties.messageExpiryInterval, 100);
    }
  });

  test('one that waited says what is left [MQTT-3.3.2-6], and is gone when nothing is [MQTT-3.3.2-5]', async () => {
    const identity = { port: broker.port, clientId: 'expiry', properties: { sessionExpiryInterval: 6000 } };
    const first = await RawClient.connect(identity);
    await first.subscribe('expiry/late');
    await first.disconnect();
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const qos of [1, 2] as const) await publisher.publish('expiry/late', 'short', { qos, properties: expiring });
    await publisher.publish('expiry/late', 'long', { qos: 1, properties: { messageExpiryInterval: 1000 } });
    await publisher.publish('expiry/late', 'endless', { qos: 1 });
    broker.clock.advanceSeconds(101);
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    const long = await second.receive();
    assert.equal(payloadOf(long), 'long');
    const left = long.properties.messageExpiryInterval!;
    assert(left > 800 && left <= 899, `${left} s`);
    const endless = await second.receive();
    assert.deepEqual([payloadOf(endless), endless.properties.messageExpiryInterval], ['endless', undefined]);
    await second.expectNothing();
  });

  for (const qos of QOS)
    test(`QoS ${qos}: the same for what is retained`, async () => {
      const topic = `expiry/retained/${qos}`;
      await using publisher = await RawClient.connect({ port: broker.port });
      await publisher.publish(topic, 'x', { qos, retain: true, properties: expiring });
      await publisher.expectNothing();
      broker.clock.advanceSeconds(40);
      await using first = await RawClient.connect({ port: broker.port });
      await first.subscribe(topic);
      const left = (await first.receive()).properties.messageExpiryInterval!;
      assert(left > 30 && left <= 60, `${left} s`);
      broker.clock.advanceSeconds(61);
      await using second = await RawClient.connect({ port: broker.port });
      await second.subscribe(topic);
      await second.expectNothing();
    });

  test('of a will runs from when it is published', async () => {
    await using watcher = await RawClient.connect({ port: broker.port });
    await watcher.subscribe('expiry/will');
    const will = {
      topic: 'expiry/will',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
      properties: expiring,
    } as const;
    const client = await RawClient.connect({ port: broker.port, will });
    broker.clock.advanceSeconds(500);
    await client.drop();
    assert.equal((await watcher.receive()).properties.messageExpiryInterval, 100);
  });
});
