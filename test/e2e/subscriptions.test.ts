import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

/** Which of the topics a subscriber to the filter receives. */
async function matching(filter: string, topics: readonly string[]): Promise<string[]> {
  await using client = await RawClient.connect({ port: broker.port });
  await client.subscribe([filter, 'the/end']);
  await using publisher = await RawClient.connect({ port: broker.port });
  for (const topic of [...topics, 'the/end']) await publisher.publish(topic, 'x', { qos: 1 });
  const received: string[] = [];
  for (let { topic } = await client.receive(); topic !== 'the/end'; { topic } = await client.receive())
    received.push(topic);
  return received;
}

describe('topic filters', () => {
  const topics = ['a', 'a/', '/a', 'a/b', 'a/b/c', '$a', '$a/b', 'A'];
  for (const [filter, expected] of [
    ['a', ['a']],
    ['a/#', ['a', 'a/', 'a/b', 'a/b/c']],
    ['a/+', ['a/', 'a/b']],
    ['+', ['a', 'A']],
    ['+/+', ['a/', '/a', 'a/b']],
    ['/+', ['/a']],
    ['+/b/#', ['a/b', 'a/b/c']],
    // Wildcards in front do not match topics that begin with $ [MQTT-4.7.2-1].
    ['#', ['a', 'a/', '/a', 'a/b', 'a/b/c', 'A']],
    ['$a/#', ['$a', '$a/b']],
  ] as const)
    test(`${filter} matches ${expected.join(', ')}`, async () => {
      assert.deepEqual(await matching(filter, topics), expected);
    });

  for (const filter of ['a#', 'a/#/b', '+a', 'a+/b', '', '$share/group', '$share//a', '$share/a+/b'])
    test(`"${filter}" is refused`, async () => {
      await using client = await RawClient.connect({ port: broker.port });
      client.send({
        type: 'subscribe',
        packetId: 1,
        subscriptions: [{ filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
        properties: {},
      });
      const answer = await Promise.race([client.take('suback'), client.take('disconnect')]);
      const reasonCode = answer.type === 'suback' ? answer.reasonCodes[0] : answer.reasonCode;
      assert(
        reasonCode === ReasonCode.topicFilterInvalid || reasonCode === ReasonCode.malformedPacket,
        `${reasonCode}`,
      );
    });
});

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  test('are answered for each filter in order [MQTT-3.9.3-1] [MQTT-3.11.3-1]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    const { reasonCodes } = await client.subscribe([
      { filter: 'each/0', qos: 0 },
      { filter: 'each/1', qos: 1 },
      { filter: 'each/2', qos: 2 },
    ]);
    assert.deepEqual(reasonCodes, [0, 1, 2]);
    const answer = await client.unsubscribe('each/1', 'each/unknown');
    assert.deepEqual(answer.reasonCodes, [ReasonCode.success, ReasonCode.noSubscriptionExisted]);
  });

  test('after UNSUBACK nothing comes [MQTT-3.10.4-2]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('stop');
    await client.unsubscribe('stop');
    assert.equal(await client.publish('stop', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    await client.expectNothing();
  });

  test('a filter subscribed again replaces the subscription [MQTT-3.8.4-3]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe({ filter: 'again', qos: 2 }, { subscriptionIdentifier: 1 });
    await client.subscribe({ filter: 'again', qos: 0 }, { subscriptionIdentifier: 2 });
    await client.publish('again', 'x', { qos: 2 });
    const packet = await client.receive();
    assert.deepEqual([packet.qos, packet.properties.subscriptionIdentifiers], [0, [2]]);
    await client.expectNothing();
  });

  test('mqtt.js unsubscribes', async () => {
    await using client = await MqttJsClient.connect(broker.port);
    await client.client.subscribeAsync(['js/a', 'js/b']);
    await client.client.unsubscribeAsync('js/a');
    await client.client.publishAsync('js/a', 'a', { qos: 1 });
    await client.client.publishAsync('js/b', 'b', { qos: 1 });
    assert.equal((await client.next()).text, 'b');
  });
});

describe('subscription options', () => {
  for (const qos of [0, 1, 2] as const)
    test(`QoS ${qos}: no local keeps a client’s own messages from it [MQTT-3.8.3-3]`, async () => {
      await using client = await RawClient.connect({ port: broker.port });
      await using other = await RawClient.connect({ port: broker.port });
      await client.subscribe({ filter: `local/${qos}`, noLocal: true });
      await client.publish(`local/${qos}`, 'own', { qos });
      await other.publish(`local/${qos}`, 'foreign', { qos });
      assert.equal(payloadOf(await client.receive()), 'foreign');
    });

  test('no local holds for what waited while the client was away', async () => {
    const identity = {
      port: broker.port,
      clientId: 'local-away',
      properties: { sessionExpiryInterval: 60, receiveMaximum: 1 },
    };
    const first = await RawClient.connect(identity);
    await first.subscribe({ filter: 'local/away', noLocal: true, qos: 1 });
    await using other = await RawClient.connect({ port: broker.port });
    await other.publish('local/away', 'foreign', { qos: 1 });
    await first.publish('local/away', 'own', { qos: 1 });
    await other.publish('local/away', 'foreign too', { qos: 1 });
    await first.drop();
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    assert.equal(payloadOf(await second.receive()), 'foreign');
    assert.equal(payloadOf(await second.receive()), 'foreign too');
    await second.expectNothing();
  });

  test('no local on a shared subscription is a protocol error [MQTT-3.8.3-4]', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    client.send({
      type: 'subscribe',
      packetId: 1,
      subscriptions: [{ filter: '$share/g/a', qos: 1, noLocal: true, retainAsPublished: false, retainHandling: 0 }],
      properties: {},
    });
    await client.expectDisconnect(ReasonCode.protocolError);
  });

  for (const qos of [0, 1, 2] as const)
    test(`overlapping subscriptions, published at QoS ${qos}: one copy, highest QoS, all identifiers [MQTT-3.3.4-2]`, async () => {
      await using client = await RawClient.connect({ port: broker.port });
      await client.subscribe({ filter: `lap/${qos}/#`, qos: 0 }, { subscriptionIdentifier: 1 });
      await client.subscribe({ filter: `lap/${qos}/+`, qos: 2 }, { subscriptionIdentifier: 268_435_455 });
      await client.subscribe({ filter: `lap/${qos}/x`, qos: 1 });
      await using publisher = await RawClient.connect({ port: broker.port });
      await publisher.publish(`lap/${qos}/x`, 'x', { qos });
      const packet = await client.receive();
      assert.equal(packet.qos, qos);
      assert.deepEqual(packet.properties.subscriptionIdentifiers?.toSorted(), [1, 268_435_455]);
      await client.expectNothing();
    });

  test('the same for what waited while the client was away, and when it is sent again', async () => {
    const identity = { port: broker.port, clientId: 'lap-away', properties: { sessionExpiryInterval: 60 } };
    const first = await RawClient.connect(identity);
    await first.subscribe({ filter: 'lap-away/#', qos: 1 }, { subscriptionIdentifier: 1 });
    await first.subscribe({ filter: 'lap-away/+', qos: 2 }, { subscriptionIdentifier: 2 });
    await first.disconnect();
    await using publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('lap-away/x', 'x', { qos: 2 });
    for (const duplicate of [false, true]) {
      const again = await RawClient.connect({ ...identity, cleanStart: false });
      const packet = await again.expect('publish');
      assert.deepEqual([packet.qos, packet.duplicate], [2, duplicate]);
      assert.deepEqual(packet.properties.subscriptionIdentifiers?.toSorted(), [1, 2]);
      await again.drop();
    }
  });
});
