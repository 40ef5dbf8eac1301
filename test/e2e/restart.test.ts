import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const kept = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const;

describe('a broker that is stopped and started with the same data', () => {
  test('knows sessions with their subscriptions and options', async () => {
    await using broker = await TestBroker.start();
    const first = await RawClient.connect({ port: broker.port, clientId: 's', ...kept });
    await first.subscribe(
      [
        { filter: 'own/+', noLocal: true, qos: 1 },
        { filter: 'flag/#', retainAsPublished: true },
      ],
      {
        subscriptionIdentifier: 7,
      },
    );
    await first.subscribe('$share/group/shared');
    await first.disconnect();
    await broker.restart();
    await using second = await RawClient.connect({ port: broker.port, clientId: 's', ...kept });
    assert.equal(second.connack.sessionPresent, true);
    await using other = await RawClient.connect({ port: broker.port });
    await second.publish('own/x', 'local', { qos: 1 });
    await other.publish('own/x', 'foreign', { qos: 2 });
    const own = await second.receive();
    assert.deepEqual([payloadOf(own), own.qos, own.properties.subscriptionIdentifiers], ['foreign', 1, [7]]);
    await other.publish('flag/x', 'x', { qos: 2, retain: true });
    const flagged = await second.receive();
    assert.deepEqual([flagged.qos, flagged.retain], [2, true]);
    await other.publish('shared', 'x', { qos: 1 });
    assert.equal((await second.receive()).topic, 'shared');
  });

  test('tells MQTT 5 clients that it goes, and they lose nothing that was acknowledged', async () => {
    await using broker = await TestBroker.start();
    const subscriber = await RawClient.connect({ port: broker.port, clientId: 'told', ...kept });
    await subscriber.subscribe('told');
    const publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('told', 'unacknowledged', { qos: 1 });
    const sent = await subscriber.expect('publish');
    await broker.stop();
    await subscriber.expectDisconnect(ReasonCode.serverShuttingDown);
    await publisher.expectDisconnect(ReasonCode.serverShuttingDown);
    await broker.start();
    await using again = await RawClient.connect({ port: broker.port, clientId: 'told', ...kept });
    const repeated = await again.receive();
    assert.deepEqual(
      [payloadOf(repeated), repeated.packetId, repeated.duplicate],
      ['unacknowledged', sent.packetId, true],
    );
  });

  for (const qos of [1, 2] as const)
    test(`QoS ${qos}: keeps what is in flight under its identifiers, and what waits behind it, in order`, async () => {
      await using broker = await TestBroker.start();
      const window = { ...kept, properties: { ...kept.properties, receiveMaximum: 2 } };
      const first = await RawClient.connect({ port: broker.port, clientId: 'w', ...window });
      await first.subscribe('w');
      const publisher = await RawClient.connect({ port: broker.port });
      for (const text of ['1', '2', '3', '4', '5']) await publisher.publish('w', text, { qos });
      const sent = [await first.expect('publish'), await first.expect('publish')];
      await first.drop();
      await broker.restart();
      await using second = await RawClient.connect({ port: broker.port, clientId: 'w', ...window });
      for (const before of sent) {
        const packet = await second.receive();
        assert.deepEqual(
          [payloadOf(packet), packet.packetId, packet.duplicate],
          [payloadOf(before), before.packetId, true],
        );
      }
      for (const text of ['3', '4', '5']) {
        const packet = await second.receive();
        assert.deepEqual([payloadOf(packet), packet.duplicate], [text, false]);
      }
      await second.expectNothing();
    });

  test('knows which QoS 2 messages a subscriber has received: only PUBREL is owed', async () => {
    await using broker = await TestBroker.start();
    const first = await RawClient.connect({ port: broker.port, clientId: 'r', ...kept });
    await first.subscribe('r');
    await first.publish('r', 'once', { qos: 2 });
    const { packetId } = await first.expect('publish');
    first.sendAck('pubrec', packetId);
    await first.expect('pubrel');
    await broker.restart();
    await using second = await RawClient.connect({ port: broker.port, clientId: 'r', ...kept });
    assert.equal((await second.expect('pubrel')).packetId, packetId);
    second.sendAck('pubcomp', packetId);
    await second.expectNothing();
    // And that is kept, too.
    await broker.restart();
    await using third = await RawClient.connect({ port: broker.port, clientId: 'r', ...kept });
    await third.expectNothing();
  });

  test('recognises a QoS 2 PUBLISH that it has stored before [MQTT-4.3.3-10]', async () => {
    await using broker = await TestBroker.start();
    const subscriber = await RawClient.connect({ port: broker.port, clientId: 'sub', ...kept });
    await subscriber.subscribe('dedupe');
    await subscriber.disconnect();
    const first = await RawClient.connect({ port: broker.port, clientId: 'pub', ...kept });
    first.sendPublish('dedupe', 'once', { qos: 2, packetId: 21 });
    await first.expect('pubrec');
    await broker.restart();
    await using second = await RawClient.connect({ port: broker.port, clientId: 'pub', ...kept });
    second.sendPublish('dedupe', 'once', { qos: 2, packetId: 21, duplicate: true });
    assert.equal((await second.expect('pubrec')).reasonCode, ReasonCode.success);
    second.sendAck('pubrel', 21);
    assert.equal((await second.expect('pubcomp')).reasonCode, ReasonCode.success);
    await second.publish('dedupe', 'next', { qos: 2, packetId: 21 });
    await using again = await RawClient.connect({ port: broker.port, clientId: 'sub', ...kept });
    assert.equal(payloadOf(await again.receive()), 'once');
    assert.equal(payloadOf(await again.receive()), 'next');
    await again.expectNothing();
  });

  test('has the retained messages, and not the cleared ones', async () => {
    await using broker = await TestBroker.start();
    await using client = await RawClient.connect({ port: broker.port });
    for (const qos of [0, 1, 2] as const) await client.publish(`kept/${qos}`, `${qos}`, { qos, retain: true });
    await client.publish('kept/cleared', 'x', { qos: 1, retain: true });
    await client.publish('kept/cleared', '', { qos: 1, retain: true });
    await broker.restart();
    await using later = await RawClient.connect({ port: broker.port });
    await later.subscribe('kept/#');
    const received = [await later.receive(), await later.receive(), await later.receive()];
    assert.deepEqual(received.map((packet) => [packet.topic, payloadOf(packet), packet.qos]).sort(), [
      ['kept/0', '0', 0],
      ['kept/1', '1', 1],
      ['kept/2', '2', 2],
    ]);
    await later.expectNothing();
  });

  test('a session whose time ran out meanwhile is gone', async () => {
    await using broker = await TestBroker.start();
    const identity = { clientId: 'late', cleanStart: false, properties: { sessionExpiryInterval: 100 } };
    await (await RawClient.connect({ port: broker.port, ...identity })).disconnect();
    await broker.stop();
    broker.clock.advanceSeconds(101);
    await broker.start();
    await using client = await RawClient.connect({ port: broker.port, ...identity });
    assert.equal(client.connack.sessionPresent, false);
  });

  test('a will whose client was connected is published after the start', async () => {
    await using broker = await TestBroker.start();
    const watching = await RawClient.connect({ port: broker.port, clientId: 'watcher', ...kept });
    await watching.subscribe('will/shutdown');
    const will = {
      topic: 'will/shutdown',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
      properties: {},
    } as const;
    await using client = await RawClient.connect({ port: broker.port, will });
    await broker.restart();
    await client.expectDisconnect(ReasonCode.serverShuttingDown);
    await using watcher = await RawClient.connect({ port: broker.port, clientId: 'watcher', ...kept });
    assert.equal(payloadOf(await watcher.receive()), 'gone');
    // Answered behind the PUBACK: without it the message would rightly come again.
    await watcher.expectNothing();
    await broker.restart();
    await using again = await RawClient.connect({ port: broker.port, clientId: 'watcher', ...kept });
    await again.publish('will/shutdown', 'marker', { qos: 1 });
    assert.equal(payloadOf(await again.receive()), 'marker');
  });

  test('the rest of a shared group’s messages goes to whoever comes first', async () => {
    await using broker = await TestBroker.start();
    const member = await RawClient.connect({ port: broker.port, clientId: 'member', ...kept });
    await member.subscribe('$share/group/work');
    await member.disconnect();
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of ['1', '2', '3']) await publisher.publish('work', text, { qos: 1 });
    await broker.restart();
    await using again = await RawClient.connect({ port: broker.port, clientId: 'member', ...kept });
    for (const text of ['1', '2', '3']) assert.equal(payloadOf(await again.receive()), text);
    await again.expectNothing();
  });
});
