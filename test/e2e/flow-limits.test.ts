import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodedSize } from '../../src/mqtt/codec/encode-packet.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, publishPacket, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

describe('receive maximum', () => {
  for (const qos of [1, 2] as const)
    test(`the broker never has more QoS ${qos} messages in flight than the client allows [MQTT-3.3.4-9]`, async () => {
      await using broker = await TestBroker.start();
      await using client = await RawClient.connect({ port: broker.port, properties: { receiveMaximum: 3 } });
      await client.subscribe('window');
      await using publisher = await RawClient.connect({ port: broker.port });
      const texts = ['1', '2', '3', '4', '5', '6', '7'];
      for (const text of texts) await publisher.publish('window', text, { qos });
      const inFlight = [await client.expect('publish'), await client.expect('publish'), await client.expect('publish')];
      await client.expectNothing();
      // QoS 0 is not limited by it.
      await publisher.publish('window', 'quick', { qos: 0 });
      assert.equal(payloadOf(await client.expect('publish')), 'quick');
      for (const text of texts.slice(3)) {
        const { packetId } = inFlight.shift()!;
        if (qos === 1) client.sendAck('puback', packetId);
        else {
          client.sendAck('pubrec', packetId);
          await client.expect('pubrel');
          await client.expectNothing();
          client.sendAck('pubcomp', packetId);
        }
        const next = await client.expect('publish');
        assert.equal(payloadOf(next), text);
        inFlight.push(next);
      }
    });

  test('the broker’s own limit holds for clients that allow more, and for MQTT 3.1.1', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_inflight_messages': 2 });
    for (const protocolVersion of [4, 5] as const) {
      await using client = await RawClient.connect({ port: broker.port, protocolVersion });
      await client.subscribe(`limit/${protocolVersion}`);
      for (const text of ['1', '2', '3']) await client.publish(`limit/${protocolVersion}`, text, { qos: 1 });
      const first = await client.expect('publish');
      await client.expect('publish');
      await client.expectNothing();
      client.sendAck('puback', first.packetId);
      assert.equal(payloadOf(await client.expect('publish')), '3');
    }
  });

  for (const qos of [1, 2] as const)
    test(`a client that exceeds the broker’s at QoS ${qos} is disconnected with 0x93 [MQTT-3.3.4-8]`, async () => {
      await using broker = await TestBroker.start({ 'mqtt.receive_maximum': 2 });
      await using client = await RawClient.connect({ port: broker.port });
      assert.equal(client.connack.properties.receiveMaximum, 2);
      let packetId = 0;
      const packets = ['1', '2', '3'].map((text) => publishPacket('x', text, { qos }, () => ++packetId));
      client.send(...packets);
      assert.equal((await client.take('disconnect')).reasonCode, ReasonCode.receiveMaximumExceeded);
      await client.ended();
    });

  test('one that stays within it may go on for ever', async () => {
    await using broker = await TestBroker.start({ 'mqtt.receive_maximum': 2 });
    await using client = await RawClient.connect({ port: broker.port });
    for (let round = 0; round < 20; round += 1)
      for (const qos of [1, 2] as const) await client.publish('x', 'x', { qos });
    await client.expectNothing();
  });
});

describe('maximum packet size', () => {
  test('a packet larger than the broker takes ends the connection with 0x95 [MQTT-3.2.2-15]', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_packet_size_bytes': 200 });
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.maximumPacketSize, 200);
    const overhead =
      encodedSize(
        publishPacket('size', '', {}, () => 0),
        5,
      ) + 1;
    client.sendPublish('size', 'x'.repeat(200 - overhead));
    await client.expectNothing();
    client.sendPublish('size', 'x'.repeat(201 - overhead));
    await client.expectDisconnect(ReasonCode.packetTooLarge);
  });

  test('so does a CONNECT, before it is read', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_packet_size_bytes': 64 });
    await using client = await RawClient.open(broker.port);
    client.sendConnect({ clientId: 'x'.repeat(100) });
    await client.ended();
  });

  for (const qos of [0, 1, 2] as const)
    test(`QoS ${qos}: what the client would not take is not sent, as if it had been [MQTT-3.1.2-24] [MQTT-3.1.2-25]`, async () => {
      await using broker = await TestBroker.start();
      const identity = { port: broker.port, clientId: 'small', cleanStart: false };
      const properties = { maximumPacketSize: 200, sessionExpiryInterval: 600, receiveMaximum: 2 };
      const client = await RawClient.connect({ ...identity, properties });
      await client.subscribe('size');
      await using publisher = await RawClient.connect({ port: broker.port });
      for (const text of ['x'.repeat(200), 'x'.repeat(300), 'x'.repeat(400), 'small'])
        await publisher.publish('size', text, { qos });
      assert.equal(payloadOf(await client.receive()), 'small');
      await client.disconnect();
      // The same for what waited.
      for (const text of ['x'.repeat(200), 'small'])
        await publisher.publish('size', text, { qos: Math.max(qos, 1) as 1 | 2 });
      await using again = await RawClient.connect({ ...identity, properties });
      assert.equal(payloadOf(await again.receive()), 'small');
      await again.expectNothing();
    });

  test('a large message passes between clients that take it', async () => {
    await using broker = await TestBroker.start();
    await using client = await MqttJsClient.connect(broker.port);
    await client.client.subscribeAsync('large', { qos: 2 });
    const payload = Buffer.alloc(1_000_000, 'large ');
    for (const qos of [0, 1, 2] as const) {
      await client.client.publishAsync('large', payload, { qos });
      const { packet } = await client.next();
      assert(payload.equals(packet.payload as Buffer));
    }
  });
});

describe('topic aliases', () => {
  test('stand for the topic they were given with, until they are given another', async () => {
    await using broker = await TestBroker.start();
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.topicAliasMaximum, 32);
    await client.subscribe('alias/#');
    const send = async (topic: string, topicAlias: number): Promise<string> => {
      await client.publish(topic, 'x', { qos: 1, properties: { topicAlias } });
      const packet = await client.receive();
      assert.equal(packet.properties.topicAlias, undefined);
      return packet.topic;
    };
    assert.equal(await send('alias/a', 1), 'alias/a');
    assert.equal(await send('alias/b', 32), 'alias/b');
    assert.equal(await send('', 1), 'alias/a');
    assert.equal(await send('', 32), 'alias/b');
    assert.equal(await send('alias/c', 1), 'alias/c');
    assert.equal(await send('', 1), 'alias/c');
  });

  test('end with the connection [MQTT-3.3.2-7]', async () => {
    await using broker = await TestBroker.start();
    const identity = { port: broker.port, clientId: 'alias', properties: { sessionExpiryInterval: 60 } };
    const first = await RawClient.connect(identity);
    await first.publish('alias', 'x', { qos: 1, properties: { topicAlias: 1 } });
    await first.disconnect();
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    second.sendPublish('', 'x', { properties: { topicAlias: 1 } });
    await second.expectDisconnect(ReasonCode.protocolError);
  });

  for (const [what, topic, topicAlias, reasonCode] of [
    ['an unknown one', '', 1, ReasonCode.protocolError],
    ['one above the maximum [MQTT-3.3.2-9]', 'a', 33, ReasonCode.topicAliasInvalid],
    ['0 [MQTT-3.3.2-8]', 'a', 0, ReasonCode.topicAliasInvalid],
    ['no topic and no alias', '', undefined, ReasonCode.protocolError],
  ] as const)
    test(`${what} ends the connection`, async () => {
      await using broker = await TestBroker.start();
      await using client = await RawClient.connect({ port: broker.port });
      client.sendPublish(topic, 'x', { properties: topicAlias === undefined ? {} : { topicAlias } });
      await client.expectDisconnect(reasonCode);
    });

  test('mqtt.js assigns them by itself', async () => {
    await using broker = await TestBroker.start();
    await using publisher = await MqttJsClient.connect(broker.port, { autoAssignTopicAlias: true });
    await using subscriber = await MqttJsClient.connect(broker.port);
    await subscriber.client.subscribeAsync('auto/#', { qos: 1 });
    for (const topic of ['auto/a', 'auto/b', 'auto/a', 'auto/b']) {
      await publisher.client.publishAsync(topic, topic, { qos: 1 });
      assert.equal((await subscriber.next()).topic, topic);
    }
  });
});

describe('keep alive [MQTT-3.1.2-22]', () => {
  for (const protocolVersion of [4, 5] as const)
    test(`MQTT ${protocolVersion}: a silent client is disconnected, one that pings or publishes is not`, async () => {
      await using broker = await TestBroker.start();
      const options = { port: broker.port, protocolVersion, keepAliveSeconds: 1 } as const;
      await using silent = await RawClient.connect(options);
      await using careless = await RawClient.connect({ ...options, keepAliveSeconds: 0 });
      await using lively = await RawClient.connect(options);
      const heartbeat = setInterval(() => lively.send({ type: 'pingreq' }), 200);
      try {
        if (protocolVersion === 5) await silent.expectDisconnect(ReasonCode.keepAliveTimeout);
        else await silent.expectClose();
      } finally {
        clearInterval(heartbeat);
      }
      await careless.expectNothing();
      lively.sendPublish('still', 'here');
      await lively.take('pingresp');
    });

  test('the server may set a shorter one, and says so [MQTT-3.1.2-21]', async () => {
    await using broker = await TestBroker.start({ 'mqtt.keep_alive_maximum_seconds': 30 });
    await using long = await RawClient.connect({ port: broker.port, keepAliveSeconds: 60 });
    await using none = await RawClient.connect({ port: broker.port, keepAliveSeconds: 0 });
    await using short = await RawClient.connect({ port: broker.port, keepAliveSeconds: 20 });
    assert.deepEqual(
      [long, none, short].map(({ connack }) => connack.properties.serverKeepAlive),
      [30, 30, undefined],
    );
  });

  test('a connection without a CONNECT ends after the time it has', async () => {
    await using broker = await TestBroker.start({
      'mqtt.connect_timeout_ms': 100,
      'authentication.failure_delay_ms': 50,
    });
    await using client = await RawClient.open(broker.port);
    await client.expectClose();
  });
});

describe('limits of the broker', () => {
  test('connections: one too many is refused, and there is room again when one leaves', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connections': 1 });
    const first = await RawClient.connect({ port: broker.port });
    await using second = await RawClient.open(broker.port);
    second.sendConnect({});
    assert.equal((await second.expect('connack')).reasonCode, ReasonCode.quotaExceeded);
    await second.expectClose();
    await first.disconnect();
    await using third = await RawClient.connect({ port: broker.port });
    await third.expectNothing();
  });

  test('subscriptions, topic levels and topic length', async () => {
    await using broker = await TestBroker.start({
      'mqtt.max_subscriptions_per_client': 2,
      'mqtt.max_topic_levels': 3,
      'mqtt.max_topic_bytes': 20,
    });
    await using client = await RawClient.connect({ port: broker.port });
    const { reasonCodes } = await client.subscribe(['a/b/c', 'a/b/c/d', 'x'.repeat(21), 'b', 'c', 'b']);
    const refused = ReasonCode.topicFilterInvalid;
    assert.deepEqual(reasonCodes, [2, refused, refused, 2, ReasonCode.quotaExceeded, 2]);
    client.sendPublish('a/b/c/d', 'x');
    await client.expectDisconnect(ReasonCode.topicNameInvalid);
  });

  test('retained messages', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_retained_messages': 1 });
    await using client = await RawClient.connect({ port: broker.port });
    await client.publish('kept', 'x', { qos: 1, retain: true });
    await client.publish('surplus', 'x', { qos: 1, retain: true });
    await client.publish('kept', 'y', { qos: 1, retain: true });
    await client.subscribe('#');
    assert.equal(payloadOf(await client.receive()), 'y');
    await client.expectNothing();
  });
});
