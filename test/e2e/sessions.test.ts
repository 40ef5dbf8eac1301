import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { IClientOptions } from 'mqtt';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { type ConnectOptions, payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

type Identity = Partial<ConnectOptions> & { clientId: string };

async function isPresent(identity: Identity): Promise<boolean> {
  const client = await RawClient.connect({ port: broker.port, cleanStart: false, ...identity });
  await client.disconnect();
  return client.connack.sessionPresent;
}

describe('sessions of MQTT 3.1.1', () => {
  test('a clean session ends with its connection, the other stays [MQTT-3.1.2-4] [MQTT-3.1.2-6]', async () => {
    const identity = { clientId: 'old', protocolVersion: 4 } as const;
    assert.equal(await isPresent(identity), false);
    assert.equal(await isPresent(identity), true);
    assert.equal(await isPresent({ ...identity, cleanStart: true }), false);
    assert.equal(await isPresent(identity), false);
  });

  test('a persistent session of mqtt.js is served what it missed', async () => {
    const options: IClientOptions = { protocolVersion: 4, clean: false, clientId: 'js-persistent' };
    const first = await MqttJsClient.connect(broker.port, options);
    await first.client.subscribeAsync('missed/#', { qos: 2 });
    await first.client.endAsync();
    await using publisher = await MqttJsClient.connect(broker.port, { protocolVersion: 4 });
    for (const qos of [1, 2] as const) await publisher.client.publishAsync('missed/x', `qos ${qos}`, { qos });
    await using second = await MqttJsClient.connect(broker.port, options);
    assert.deepEqual([(await second.next()).text, (await second.next()).text], ['qos 1', 'qos 2']);
  });

  test('a client without an identifier gets one only for a clean session [MQTT-3.1.3-8]', async () => {
    await using client = await RawClient.connect({ port: broker.port, protocolVersion: 4, clientId: '' });
    await client.expectNothing();
    await using refused = await RawClient.open(broker.port, 4);
    refused.sendConnect({ cleanStart: false, clientId: '' });
    assert.equal((await refused.expect('connack')).reasonCode, ReasonCode.clientIdentifierNotValid);
    await refused.expectClose();
  });
});

describe('sessions of MQTT 5', () => {
  test('without an expiry interval a session ends with its connection', async () => {
    assert.equal(await isPresent({ clientId: 'brief' }), false);
    assert.equal(await isPresent({ clientId: 'brief' }), false);
  });

  test('lasts for its interval and no longer', async () => {
    const identity = { clientId: 'lasting', properties: { sessionExpiryInterval: 100 } };
    await isPresent(identity);
    broker.clock.advanceSeconds(99);
    assert.equal(await isPresent(identity), true);
    broker.clock.advanceSeconds(101);
    assert.equal(await isPresent(identity), false);
  });

  test('0xFFFFFFFF never ends', async () => {
    const identity = { clientId: 'eternal', properties: { sessionExpiryInterval: 0xffff_ffff } };
    await isPresent(identity);
    broker.clock.advanceSeconds(3600 * 24 * 365);
    assert.equal(await isPresent(identity), true);
  });

  test('clean start begins anew, subscriptions and messages gone [MQTT-3.1.2-4]', async () => {
    const identity = { port: broker.port, clientId: 'anew', properties: { sessionExpiryInterval: 600 } };
    const first = await RawClient.connect(identity);
    await first.subscribe('anew');
    await first.disconnect();
    await using publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('anew', 'missed', { qos: 1 });
    await using second = await RawClient.connect({ ...identity, cleanStart: true });
    assert.equal(second.connack.sessionPresent, false);
    assert.equal(await publisher.publish('anew', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    await second.expectNothing();
  });

  test('the interval can be changed by DISCONNECT', async () => {
    const identity = { port: broker.port, clientId: 'changed', properties: { sessionExpiryInterval: 100 } };
    const client = await RawClient.connect(identity);
    await client.disconnect(0, { sessionExpiryInterval: 0 });
    const again = await RawClient.connect({ ...identity, cleanStart: false });
    assert.equal(again.connack.sessionPresent, false);
    await again.disconnect(0, { sessionExpiryInterval: 1000 });
    broker.clock.advanceSeconds(500);
    assert.equal(await isPresent(identity), true);
  });

  test('but not from 0 to anything else (section 3.14.2.2.2)', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
    await client.expectDisconnect(ReasonCode.protocolError);
  });

  test('the server assigns an identifier and says which [MQTT-3.1.3-6] [MQTT-3.2.2-16]', async () => {
    await using first = await RawClient.connect({ port: broker.port, clientId: '' });
    await using second = await RawClient.connect({ port: broker.port, clientId: '' });
    const identifiers = [first, second].map(({ connack }) => connack.properties.assignedClientIdentifier);
    assert(identifiers[0] && identifiers[1] && identifiers[0] !== identifiers[1]);
  });

  test('a session outlives a change of the protocol version', async () => {
    const first = await RawClient.connect({
      port: broker.port,
      protocolVersion: 4,
      clientId: 'versions',
      cleanStart: false,
    });
    await first.subscribe({ filter: 'versions', qos: 1 });
    await first.disconnect();
    const identity = { port: broker.port, clientId: 'versions', cleanStart: false } as const;
    await using second = await RawClient.connect({ ...identity, properties: { sessionExpiryInterval: 60 } });
    assert.equal(second.connack.sessionPresent, true);
    await second.publish('versions', 'x', { qos: 1, properties: { contentType: 'text/plain' } });
    assert.equal((await second.receive()).properties.contentType, 'text/plain');
  });

  test('the server may grant less than was asked, and says so', async () => {
    await using own = await TestBroker.start({ 'mqtt.session_expiry_maximum_seconds': 50 });
    const identity = {
      port: own.port,
      clientId: 'less',
      cleanStart: false,
      properties: { sessionExpiryInterval: 100 },
    };
    const client = await RawClient.connect(identity);
    assert.equal(client.connack.properties.sessionExpiryInterval, 50);
    await client.disconnect();
    own.clock.advanceSeconds(51);
    await using again = await RawClient.connect(identity);
    assert.equal(again.connack.sessionPresent, false);
  });
});

describe('takeover [MQTT-3.1.4-3]', () => {
  test('MQTT 5: the former connection is told 0x8E, the session goes on in the new one', async () => {
    const identity = { port: broker.port, clientId: 'taken', properties: { sessionExpiryInterval: 60 } };
    await using former = await RawClient.connect(identity);
    await former.subscribe({ filter: 'taken', qos: 1 });
    await former.publish('taken', 'unacknowledged', { qos: 1 });
    const sent = await former.expect('publish');
    await using heir = await RawClient.connect({ ...identity, cleanStart: false });
    await former.expectDisconnect(ReasonCode.sessionTakenOver);
    assert.equal(heir.connack.sessionPresent, true);
    const repeated = await heir.receive();
    assert.deepEqual([repeated.packetId, repeated.duplicate], [sent.packetId, true]);
  });

  test('MQTT 3.1.1: the former connection is closed', async () => {
    const identity = { port: broker.port, clientId: 'taken-old', protocolVersion: 4, cleanStart: false } as const;
    await using former = await RawClient.connect(identity);
    await using heir = await RawClient.connect(identity);
    await former.expectClose();
    assert.equal(heir.connack.sessionPresent, true);
  });

  test('of ten connections at once with one identifier one is left', async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = await RawClient.open(broker.port);
        client.sendConnect({ clientId: 'crowd', properties: { sessionExpiryInterval: 60 } });
        return client;
      }),
    );
    const left = new Set(clients);
    await new Promise<void>((resolve) => {
      for (const client of clients)
        void client.ended().then(() => {
          left.delete(client);
          if (left.size === 1) resolve();
        });
    });
    const [heir] = left;
    heir!.send({ type: 'pingreq' });
    await heir!.take('pingresp');
    await heir!.drop();
  });
});

describe('while a client is away', () => {
  test('QoS 1 and 2 messages wait in order, far beyond the window; QoS 0 messages do not', async () => {
    const identity = { port: broker.port, clientId: 'away', properties: { sessionExpiryInterval: 600 } };
    const first = await RawClient.connect(identity);
    await first.subscribe('away/#');
    await first.disconnect();
    await using publisher = await MqttJsClient.connect(broker.port);
    const numbers = Array.from({ length: 700 }, (_, number) => number);
    await Promise.all(
      numbers.map((number) =>
        publisher.client.publishAsync('away/x', String(number), { qos: (number % 3) as 0 | 1 | 2 }),
      ),
    );
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    const received: { 1: string[]; 2: string[] } = { 1: [], 2: [] };
    const owed = numbers.filter((number) => number % 3 > 0);
    for (const _ of owed) {
      const packet = await second.receive();
      assert(packet.qos !== 0 && !packet.duplicate);
      received[packet.qos].push(payloadOf(packet));
    }
    // Order is promised for each topic and QoS [MQTT-4.6.0-6].
    for (const qos of [1, 2] as const)
      assert.deepEqual(received[qos], owed.filter((number) => number % 3 === qos).map(String));
    await second.expectNothing();
  });

  test('a QoS 1 message is not kept for a subscription at QoS 0', async () => {
    const identity = { port: broker.port, clientId: 'away-zero', properties: { sessionExpiryInterval: 600 } };
    const first = await RawClient.connect(identity);
    await first.subscribe({ filter: 'away-zero', qos: 0 });
    await first.disconnect();
    await using second = await (async () => {
      await using publisher = await RawClient.connect({ port: broker.port });
      await publisher.publish('away-zero', 'missed', { qos: 1 });
      return RawClient.connect({ ...identity, cleanStart: false });
    })();
    await second.publish('away-zero', 'fresh', { qos: 1 });
    assert.equal(payloadOf(await second.receive()), 'fresh');
  });

  test('messages published before the subscription, or after its end, do not come', async () => {
    const identity = { port: broker.port, clientId: 'bounds', properties: { sessionExpiryInterval: 600 } };
    await using publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('bounds/a', 'before', { qos: 1 });
    const first = await RawClient.connect(identity);
    await first.subscribe(['bounds/a', 'bounds/b']);
    await first.unsubscribe('bounds/b');
    await first.disconnect();
    await publisher.publish('bounds/b', 'after', { qos: 1 });
    await publisher.publish('bounds/a', 'between', { qos: 1 });
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    assert.equal(payloadOf(await second.receive()), 'between');
    await second.expectNothing();
  });

  test('a retained message sent at QoS 1 and not acknowledged comes again with its flag', async () => {
    const identity = { port: broker.port, clientId: 'away-retained', properties: { sessionExpiryInterval: 600 } };
    const first = await RawClient.connect(identity);
    await first.publish('away/retained', 'kept', { qos: 1, retain: true });
    await first.subscribe({ filter: 'away/retained', qos: 1 });
    const sent = await first.expect('publish');
    assert.equal(sent.retain, true);
    await first.drop();
    await using second = await RawClient.connect({ ...identity, cleanStart: false });
    const repeated = await second.receive();
    assert.deepEqual(
      [payloadOf(repeated), repeated.packetId, repeated.duplicate, repeated.retain],
      ['kept', sent.packetId, true, true],
    );
  });
});
