import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Qos } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const QOS: readonly Qos[] = [0, 1, 2];

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

describe('quality of service with mqtt.js', () => {
  for (const protocolVersion of [4, 5] as const)
    for (const published of QOS)
      for (const granted of QOS)
        test(`MQTT ${protocolVersion}: published at ${published}, subscribed at ${granted}`, async () => {
          const topic = `qos/${protocolVersion}/${published}/${granted}`;
          await using subscriber = await MqttJsClient.connect(broker.port, { protocolVersion });
          await using publisher = await MqttJsClient.connect(broker.port, { protocolVersion });
          const [grant] = await subscriber.client.subscribeAsync(topic, { qos: granted });
          assert.equal(grant?.qos, granted);
          for (const text of ['first', 'second', 'third'])
            await publisher.client.publishAsync(topic, text, { qos: published });
          for (const text of ['first', 'second', 'third']) {
            const message = await subscriber.next();
            assert.equal(message.text, text);
            // [MQTT-3.8.4-8]: the lower of the two.
            assert.equal(message.packet.qos, Math.min(published, granted));
            assert.equal(message.packet.dup, false);
          }
        });

  test('the versions hear each other', async () => {
    await using old = await MqttJsClient.connect(broker.port, { protocolVersion: 4 });
    await using recent = await MqttJsClient.connect(broker.port, { protocolVersion: 5 });
    await old.client.subscribeAsync('to/old', { qos: 2 });
    await recent.client.subscribeAsync('to/recent', { qos: 2 });
    for (const qos of QOS) {
      await recent.client.publishAsync('to/old', `down ${qos}`, { qos, properties: { contentType: 'text/plain' } });
      await old.client.publishAsync('to/recent', `up ${qos}`, { qos });
      assert.equal((await old.next()).text, `down ${qos}`);
      assert.equal((await recent.next()).text, `up ${qos}`);
    }
  });
});

describe('the QoS 2 handshake', () => {
  test('goes by PUBREC, PUBREL and PUBCOMP in both directions, the message before PUBREL', async () => {
    await using subscriber = await RawClient.connect({ port: broker.port });
    await using publisher = await RawClient.connect({ port: broker.port });
    await subscriber.subscribe('handshake');
    publisher.sendPublish('handshake', 'once', { qos: 2, packetId: 77 });
    assert.equal((await publisher.expect('pubrec')).packetId, 77);
    const received = await subscriber.expect('publish');
    subscriber.sendAck('pubrec', received.packetId);
    assert.equal((await subscriber.expect('pubrel')).packetId, received.packetId);
    subscriber.sendAck('pubcomp', received.packetId);
    publisher.sendAck('pubrel', 77);
    assert.equal((await publisher.expect('pubcomp')).packetId, 77);
    await subscriber.expectNothing();
  });

  test('a PUBLISH that is repeated before PUBREL is answered again and delivered once [MQTT-4.3.3-10]', async () => {
    await using subscriber = await RawClient.connect({ port: broker.port });
    await using publisher = await RawClient.connect({ port: broker.port });
    await subscriber.subscribe('repeated');
    for (const duplicate of [false, true, true]) {
      publisher.sendPublish('repeated', 'once', { qos: 2, packetId: 5, duplicate });
      assert.deepEqual(await publisher.expect('pubrec'), ack('pubrec', 5));
    }
    publisher.sendAck('pubrel', 5);
    await publisher.expect('pubcomp');
    // The identifier is free now, so that the same bytes are a new message [MQTT-4.3.3-12].
    await publisher.publish('repeated', 'again', { qos: 2, packetId: 5 });
    assert.equal(payloadOf(await subscriber.receive()), 'once');
    assert.equal(payloadOf(await subscriber.receive()), 'again');
    await subscriber.expectNothing();
  });

  test('the same, repeated within one write', async () => {
    await using subscriber = await RawClient.connect({ port: broker.port });
    await using publisher = await RawClient.connect({ port: broker.port });
    await subscriber.subscribe('hurried');
    const publish = { type: 'publish', topic: 'hurried', payload: Buffer.from('once'), qos: 2, packetId: 9 } as const;
    const packet = { ...publish, retain: false, duplicate: false, properties: {} };
    publisher.send(packet, { ...packet, duplicate: true });
    await publisher.expect('pubrec');
    await publisher.expect('pubrec');
    publisher.sendAck('pubrel', 9);
    await publisher.expect('pubcomp');
    assert.equal(payloadOf(await subscriber.receive()), 'once');
    await publisher.publish('hurried', 'end', { qos: 1 });
    assert.equal(payloadOf(await subscriber.receive()), 'end');
  });

  test('PUBREL and PUBREC with an unknown identifier are answered with 0x92, and the connection stays', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    client.sendAck('pubrel', 999);
    assert.deepEqual(await client.expect('pubcomp'), ack('pubcomp', 999, ReasonCode.packetIdentifierNotFound));
    client.sendAck('pubrec', 998);
    assert.deepEqual(await client.expect('pubrel'), ack('pubrel', 998, ReasonCode.packetIdentifierNotFound));
    await client.expectNothing();
  });

  test('PUBACK and PUBCOMP with an unknown identifier change nothing', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    client.sendAck('puback', 12);
    client.sendAck('pubcomp', 13);
    await client.expectNothing();
  });

  test('a refusal in PUBREC gives the message up and frees its identifier', async () => {
    await using client = await RawClient.connect({ port: broker.port, properties: { receiveMaximum: 1 } });
    await client.subscribe('refused');
    await client.publish('refused', 'one', { qos: 2 });
    await client.publish('refused', 'two', { qos: 2 });
    const first = await client.expect('publish');
    client.sendAck('pubrec', first.packetId, ReasonCode.quotaExceeded);
    assert.equal(payloadOf(await client.receive()), 'two');
  });

  test('an acknowledgement of the wrong kind is a protocol error', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe({ filter: 'wrong/kind', qos: 1 });
    await client.publish('wrong/kind', 'x', { qos: 1 });
    client.sendAck('pubrec', (await client.expect('publish')).packetId);
    await client.expectDisconnect(ReasonCode.protocolError);
  });
});

describe('order', () => {
  for (const qos of QOS)
    test(`QoS ${qos} messages of one publisher arrive as they were sent, far beyond the window [MQTT-4.6.0-6]`, async () => {
      const topic = `order/${qos}`;
      await using subscriber = await MqttJsClient.connect(broker.port);
      await using publisher = await MqttJsClient.connect(broker.port);
      await subscriber.client.subscribeAsync(topic, { qos });
      const numbers = Array.from({ length: 1000 }, (_, number) => String(number));
      await Promise.all(numbers.map((text) => publisher.client.publishAsync(topic, text, { qos })));
      const received: string[] = [];
      for (const _ of numbers) received.push((await subscriber.next()).text);
      assert.deepEqual(received, numbers);
    });
});

describe('sending again', () => {
  const persistent = { cleanStart: false, properties: { sessionExpiryInterval: 600 } } as const;

  for (const qos of [1, 2] as const)
    test(`QoS ${qos}: unacknowledged messages come again in order, with DUP and their identifiers [MQTT-4.4.0-1]`, async () => {
      const identity = { port: broker.port, clientId: `again-${qos}`, ...persistent };
      await using publisher = await RawClient.connect({ port: broker.port });
      const first = await RawClient.connect(identity);
      await first.subscribe({ filter: `again/${qos}`, qos });
      for (const text of ['a', 'b', 'c']) await publisher.publish(`again/${qos}`, text, { qos });
      const sent = [await first.expect('publish'), await first.expect('publish'), await first.expect('publish')];
      await first.drop();
      await publisher.publish(`again/${qos}`, 'd', { qos });

      await using second = await RawClient.connect(identity);
      assert.equal(second.connack.sessionPresent, true);
      for (const before of sent) {
        assert.equal(before.duplicate, false);
        const repeated = await second.receive();
        assert.deepEqual(
          [payloadOf(repeated), repeated.packetId, repeated.duplicate],
          [payloadOf(before), before.packetId, true],
        );
      }
      const last = await second.receive();
      assert.deepEqual([payloadOf(last), last.duplicate], ['d', false]);
      await second.expectNothing();
    });

  test('a message answered by PUBREC is not sent again, only its PUBREL [MQTT-4.3.3-6]', async () => {
    const identity = { port: broker.port, clientId: 'released', ...persistent };
    const first = await RawClient.connect(identity);
    await first.subscribe('released');
    await first.publish('released', 'once', { qos: 2 });
    const { packetId } = await first.expect('publish');
    first.sendAck('pubrec', packetId);
    await first.expect('pubrel');
    await first.drop();

    await using second = await RawClient.connect(identity);
    assert.equal((await second.expect('pubrel')).packetId, packetId);
    second.sendAck('pubcomp', packetId);
    await second.expectNothing();
  });

  test('a live connection gets nothing twice, however long it waits', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('patient');
    await client.publish('patient', 'x', { qos: 1 });
    await client.expect('publish');
    broker.clock.advanceSeconds(3600);
    await client.expectNothing();
  });
});

function ack<Type extends 'pubrec' | 'pubrel' | 'pubcomp'>(type: Type, packetId: number, reasonCode: ReasonCode = 0) {
  return { type, packetId, reasonCode, properties: {} };
}

describe('a client that publishes without waiting for answers', () => {
  for (const protocolVersion of [4, 5] as const)
    for (const qos of [1, 2] as const)
      test(`is served to the end: 5000 messages of mqtt.js, MQTT ${protocolVersion}, QoS ${qos}`, async () => {
        await using publisher = await MqttJsClient.connect(broker.port, { protocolVersion });
        const answered = Array.from({ length: 5000 }, () => publisher.client.publishAsync('burst', 'message', { qos }));
        await Promise.all(answered);
      });
});
