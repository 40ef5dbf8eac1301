import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PublishPacket, Qos } from '../../src/mqtt/packets.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

// One copy for all of them, which is the default, has its tests in subscriptions.test.ts.
let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start({
    'mqtt.overlapping_subscriptions': 'each',
    'telemetry.propagation': 'preserve',
    // Runs of messages are only made of those that are not traced.
    'telemetry.sampling.rate': 0,
  });
});
after(() => broker[Symbol.asyncDispose]());

const connect = (options: Partial<Parameters<typeof RawClient.connect>[0]> = {}) =>
  RawClient.connect({ port: broker.port, ...options });

const terms = ({ qos, retain, properties }: PublishPacket) =>
  `${qos}${retain ? ' retain' : ''} ${properties.subscriptionIdentifiers?.join('+') ?? '-'}`;

/** Three subscriptions that all match `{root}/x`. */
async function subscribeThrice(client: RawClient, root: string): Promise<void> {
  await client.subscribe({ filter: `${root}/#`, qos: 0 }, { subscriptionIdentifier: 1 });
  await client.subscribe({ filter: `${root}/+`, qos: 2, retainAsPublished: true }, { subscriptionIdentifier: 2 });
  await client.subscribe({ filter: `${root}/x`, qos: 1 });
}

async function receive(client: RawClient, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) got.push(terms(await client.receive()));
  return got.sort();
}

describe('a copy for each of several matching subscriptions', () => {
  for (const [qos, expected] of [
    [0, ['0 -', '0 1', '0 retain 2']],
    [1, ['0 1', '1 -', '1 retain 2']],
    [2, ['0 1', '1 -', '2 retain 2']],
  ] as const satisfies [Qos, string[]][])
    test(`published at QoS ${qos}: has its QoS, its identifier and its retain flag [MQTT-3.3.4-5]`, async () => {
      await using client = await connect();
      await subscribeThrice(client, `each/${qos}`);
      await using publisher = await connect();
      await publisher.publish(`each/${qos}/x`, 'x', { qos, retain: true });
      assert.deepEqual(await receive(client, 3), expected);
      await client.expectNothing();
    });

  test('an MQTT 3.1.1 client has as many, in order, from an MQTT 3.1.1 publisher [MQTT-3.3.5-1]', async () => {
    await using client = await connect({ protocolVersion: 4 });
    await client.subscribe(['old/#', 'old/x']);
    await using publisher = await connect({ protocolVersion: 4 });
    for (const text of ['1', '2']) publisher.sendPublish('old/x', text);
    const got: string[] = [];
    for (let count = 0; count < 4; count += 1) got.push(await client.expectPayload());
    assert.deepEqual(got, ['1', '1', '2', '2']);
  });

  test('“no local” counts for its own subscription [MQTT-3.8.3-3]', async () => {
    await using client = await connect();
    await client.subscribe({ filter: 'self/#', noLocal: true }, { subscriptionIdentifier: 1 });
    await client.subscribe({ filter: 'self/x' }, { subscriptionIdentifier: 2 });
    for (const qos of [0, 1] as const) {
      client.sendPublish('self/x', 'own', { qos });
      assert.equal(terms(await client.take('publish')), `${qos} 2`);
    }
  });

  test('waits while the client is away, but not at QoS 0', async () => {
    const identity = { clientId: 'each-away', properties: { sessionExpiryInterval: 60 } };
    const first = await connect(identity);
    await subscribeThrice(first, 'away');
    await first.disconnect();
    await using publisher = await connect();
    await publisher.publish('away/x', 'x', { qos: 2 });
    await using second = await connect({ ...identity, cleanStart: false });
    assert.deepEqual(await receive(second, 2), ['1 -', '2 2']);
    await second.expectNothing();
  });

  test('comes once each where the client takes one message at a time', async () => {
    await using client = await connect({ properties: { receiveMaximum: 1 } });
    await subscribeThrice(client, 'narrow');
    await using publisher = await connect();
    for (const _ of [1, 2]) publisher.sendPublish('narrow/x', 'x', { qos: 2 });
    const expected = ['0 1', '0 1', '1 -', '1 -', '2 2', '2 2'];
    assert.deepEqual(await receive(client, 6), expected);
    await client.expectNothing();
  });

  test('is sent again as it was, and only what was not acknowledged', async () => {
    const identity = { clientId: 'each-again', properties: { sessionExpiryInterval: 60 } };
    const first = await connect(identity);
    await subscribeThrice(first, 'again');
    await using publisher = await connect();
    await publisher.publish('again/x', 'x', { qos: 2 });
    const unanswered: PublishPacket[] = [];
    for (let count = 0; count < 3; count += 1) {
      const packet = await first.expect('publish');
      if (packet.qos === 1) first.sendAck('puback', packet.packetId);
      else if (packet.qos === 2) unanswered.push(packet);
    }
    await first.expectNothing();
    await first.drop();
    await using second = await connect({ ...identity, cleanStart: false });
    assert.deepEqual(await second.expect('publish'), { ...unanswered[0]!, duplicate: true });
    await second.expectNothing();
  });

  test('is remembered over a restart of the broker', async () => {
    await using restarted = await TestBroker.start({ 'mqtt.overlapping_subscriptions': 'each' });
    const identity = {
      port: 0,
      clientId: 'each-restart',
      properties: { sessionExpiryInterval: 60, receiveMaximum: 1 },
    };
    const first = await RawClient.connect({ ...identity, port: restarted.port });
    await subscribeThrice(first, 'restart');
    await first.publish('restart/x', 'x', { qos: 2 });
    const before = [await first.take('publish'), await first.take('publish')];
    const confirmed = before.find(({ qos }) => qos > 0)!;
    await first.drop();
    await restarted.restart();
    await using second = await RawClient.connect({ ...identity, port: restarted.port, cleanStart: false });
    const again = await second.receive();
    assert.deepEqual([again.duplicate, terms(again)], [true, terms(confirmed)]);
    const rest = ['1 -', '2 2'].filter((other) => other !== terms(confirmed));
    assert.deepEqual(await receive(second, 1), rest);
    await second.expectNothing();
  });
});
