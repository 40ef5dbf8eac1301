import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Will } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

function will(topic: string, changes: Partial<Will> = {}): Will {
  return { topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: {}, ...changes };
}

/** Subscribed to the topic; what it receives next is the will, or the marker if there was none. */
async function watch(topic: string): Promise<RawClient> {
  const observer = await RawClient.connect({ port: broker.port });
  await observer.subscribe(topic);
  return observer;
}

async function expectNoWill(watcher: RawClient, topic: string): Promise<void> {
  await watcher.publish(topic, 'marker', { qos: 1 });
  assert.equal(payloadOf(await watcher.receive()), 'marker');
}

describe('wills', () => {
  for (const protocolVersion of [4, 5] as const)
    for (const qos of [0, 1, 2] as const)
      test(`MQTT ${protocolVersion}, QoS ${qos}: published when the network is lost [MQTT-3.1.2-8]`, async () => {
        const topic = `will/lost/${protocolVersion}/${qos}`;
        await using watcher = await watch(topic);
        const client = await RawClient.connect({ port: broker.port, protocolVersion, will: will(topic, { qos }) });
        await client.drop();
        const packet = await watcher.receive();
        assert.deepEqual([payloadOf(packet), packet.qos, packet.retain], ['gone', qos, false]);
      });

  for (const protocolVersion of [4, 5] as const)
    test(`mqtt.js ${protocolVersion}: its will is published when it is cut off, and not when it says goodbye`, async () => {
      const topic = `will/js/${protocolVersion}`;
      await using watcher = await watch(topic);
      const options = { protocolVersion, will: { topic, payload: Buffer.from('js'), qos: 1, retain: false } } as const;
      const polite = await MqttJsClient.connect(broker.port, options);
      await polite.client.endAsync();
      await expectNoWill(watcher, topic);
      const lost = await MqttJsClient.connect(broker.port, options);
      lost.client.stream.destroy();
      assert.equal(payloadOf(await watcher.receive()), 'js');
    });

  test('published after DISCONNECT with 0x04, discarded by a normal one [MQTT-3.14.4-3]', async () => {
    await using watcher = await watch('will/bye');
    const options = { port: broker.port, will: will('will/bye') };
    await (await RawClient.connect(options)).disconnect(ReasonCode.normalDisconnection);
    await expectNoWill(watcher, 'will/bye');
    await (await RawClient.connect(options)).disconnect(ReasonCode.disconnectWithWillMessage);
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });

  test('published when the broker closes the connection for an error of the client', async () => {
    await using watcher = await watch('will/error');
    await using client = await RawClient.connect({ port: broker.port, will: will('will/error') });
    client.sendBytes(Buffer.from([0x00, 0x00]));
    await client.expectDisconnect(ReasonCode.malformedPacket);
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });

  test('retained where the will says so [MQTT-3.1.2-15], with its properties', async () => {
    await using watcher = await watch('will/kept');
    const properties = {
      contentType: 'text/plain',
      userProperties: [
        ['a', '1'],
        ['a', '0'],
      ],
    } as const;
    const options = { port: broker.port, will: will('will/kept', { retain: true, properties }) };
    await (await RawClient.connect(options)).drop();
    assert.equal((await watcher.receive()).retain, false);
    await using late = await RawClient.connect({ port: broker.port });
    await late.subscribe('will/kept');
    const packet = await late.receive();
    assert.deepEqual([payloadOf(packet), packet.retain], ['gone', true]);
    assert.equal(packet.properties.contentType, 'text/plain');
    const own = packet.properties.userProperties?.filter(([name]) => name !== 'traceparent');
    assert.deepEqual(own, [
      ['a', '1'],
      ['a', '0'],
    ]);
  });

  test('an empty retained will clears what is retained', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.publish('will/empty', 'present', { qos: 1, retain: true });
    await using watcher = await watch('will/empty');
    assert.equal(payloadOf(await watcher.receive()), 'present');
    const options = { port: broker.port, will: will('will/empty', { retain: true, payload: Buffer.alloc(0) }) };
    await (await RawClient.connect(options)).drop();
    assert.equal(payloadOf(await watcher.receive()), '');
    await using late = await watch('will/empty');
    await late.expectNothing();
  });

  test('one CONNECT leaves one will: a later connection without a will has none', async () => {
    await using watcher = await watch('will/once');
    const identity = { port: broker.port, clientId: 'will-once', cleanStart: false } as const;
    const kept = { ...identity, properties: { sessionExpiryInterval: 600 } };
    await (await RawClient.connect({ ...kept, will: will('will/once') })).disconnect();
    await (await RawClient.connect(kept)).disconnect(ReasonCode.disconnectWithWillMessage);
    await expectNoWill(watcher, 'will/once');
  });
});

describe('delayed wills', () => {
  const delayed = (topic: string, seconds: number) => will(topic, { properties: { willDelayInterval: seconds } });

  test('come when the delay has passed, and not before', async () => {
    await using watcher = await watch('delay/passes');
    const client = await RawClient.connect({
      port: broker.port,
      properties: { sessionExpiryInterval: 600 },
      will: delayed('delay/passes', 60),
    });
    await client.disconnect(ReasonCode.disconnectWithWillMessage);
    broker.clock.advanceSeconds(50);
    await expectNoWill(watcher, 'delay/passes');
    broker.clock.advanceSeconds(11);
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });

  test('come when the session ends, if that is sooner [MQTT-3.1.2-8]', async () => {
    await using watcher = await watch('delay/session');
    const options = { port: broker.port, will: delayed('delay/session', 3600) };
    const client = await RawClient.connect({ ...options, properties: { sessionExpiryInterval: 10 } });
    await client.disconnect(ReasonCode.disconnectWithWillMessage);
    broker.clock.advanceSeconds(11);
    assert.equal(payloadOf(await watcher.receive()), 'gone');
    // A session that ends with its connection leaves no time to wait.
    await (await RawClient.connect(options)).drop();
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });

  test('do not come when the client is back in time [MQTT-3.1.3-9], and come when it begins anew', async () => {
    await using watcher = await watch('delay/back');
    const identity = { port: broker.port, clientId: 'delay-back', properties: { sessionExpiryInterval: 600 } };
    const leave = async () => {
      const client = await RawClient.connect({ ...identity, cleanStart: false, will: delayed('delay/back', 60) });
      await client.disconnect(ReasonCode.disconnectWithWillMessage);
    };
    await leave();
    await (await RawClient.connect({ ...identity, cleanStart: false })).disconnect();
    broker.clock.advanceSeconds(61);
    await expectNoWill(watcher, 'delay/back');
    await leave();
    await (await RawClient.connect({ ...identity, cleanStart: true })).disconnect();
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });

  for (const [what, delaySeconds, cleanStart, published] of [
    ['without delay is published', 0, false, true],
    ['with a delay is discarded when the session goes on', 60, false, false],
    ['with a delay is published when the session begins anew', 60, true, true],
  ] as const)
    test(`at a takeover a will ${what}`, async () => {
      const topic = `takeover/${delaySeconds}/${cleanStart}`;
      await using watcher = await watch(topic);
      const identity = { port: broker.port, clientId: topic, properties: { sessionExpiryInterval: 600 } };
      await using former = await RawClient.connect({ ...identity, will: delayed(topic, delaySeconds) });
      await using heir = await RawClient.connect({ ...identity, cleanStart });
      await former.expectDisconnect(ReasonCode.sessionTakenOver);
      if (published) assert.equal(payloadOf(await watcher.receive()), 'gone');
      await expectNoWill(watcher, topic);
      await heir.disconnect();
    });

  test('wait through a restart of the broker', async () => {
    await using own = await TestBroker.start();
    const watching = {
      port: own.port,
      clientId: 'watcher',
      cleanStart: false,
      properties: { sessionExpiryInterval: 900 },
    };
    const before = await RawClient.connect(watching);
    await before.subscribe('delay/restart');
    const client = await RawClient.connect({
      port: own.port,
      properties: { sessionExpiryInterval: 600 },
      will: delayed('delay/restart', 60),
    });
    await client.disconnect(ReasonCode.disconnectWithWillMessage);
    await before.disconnect();
    await own.restart();
    await using watcher = await RawClient.connect({ ...watching, port: own.port });
    await watcher.publish('delay/restart', 'marker', { qos: 1 });
    assert.equal(payloadOf(await watcher.receive()), 'marker');
    own.clock.advanceSeconds(61);
    assert.equal(payloadOf(await watcher.receive()), 'gone');
  });
});
