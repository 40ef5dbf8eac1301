import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

const numbers = (count: number): string[] => Array.from({ length: count }, (_, number) => String(number));

describe('shared subscriptions', () => {
  for (const qos of [0, 1, 2] as const)
    test(`QoS ${qos}: each message goes to one member, evenly; to other subscribers as well [MQTT-4.8.2-4]`, async () => {
      const topic = `even/${qos}`;
      await using first = await MqttJsClient.connect(broker.port);
      await using second = await MqttJsClient.connect(broker.port);
      await using otherGroup = await MqttJsClient.connect(broker.port);
      await using plain = await MqttJsClient.connect(broker.port);
      for (const member of [first, second]) await member.client.subscribeAsync(`$share/g/${topic}`, { qos });
      await otherGroup.client.subscribeAsync(`$share/h/${topic}`, { qos });
      await plain.client.subscribeAsync(topic, { qos });
      await using publisher = await MqttJsClient.connect(broker.port);
      await Promise.all(numbers(40).map((text) => publisher.client.publishAsync(topic, text, { qos })));
      for (const client of [otherGroup, plain])
        for (const text of numbers(40)) assert.equal((await client.next()).text, text);
      const shares: string[] = [];
      for (const member of [first, second]) for (const _ of numbers(20)) shares.push((await member.next()).text);
      assert.deepEqual(shares.sort(), numbers(40).sort());
    });

  test('a member that is away leaves its share to the others', async () => {
    const identity = { port: broker.port, clientId: 'absent', properties: { sessionExpiryInterval: 60 } };
    const absent = await RawClient.connect(identity);
    await absent.subscribe('$share/g/absent');
    await absent.disconnect();
    await using present = await RawClient.connect({ port: broker.port });
    await present.subscribe('$share/g/absent');
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of numbers(5)) await publisher.publish('absent', text, { qos: 1 });
    for (const text of numbers(5)) assert.equal(payloadOf(await present.receive()), text);
    await using back = await RawClient.connect({ ...identity, cleanStart: false });
    await back.expectNothing();
  });

  test('while all are away messages wait, and go to who comes first', async () => {
    const identities = ['m1', 'm2'].map((clientId) => ({
      port: broker.port,
      clientId,
      properties: { sessionExpiryInterval: 60 },
    }));
    for (const identity of identities) {
      const member = await RawClient.connect(identity);
      await member.subscribe('$share/g/waiting');
      await member.disconnect();
    }
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of numbers(400)) publisher.sendPublish('waiting', text, { qos: 1 });
    for (const _ of numbers(400)) await publisher.expect('puback');
    await using second = await RawClient.connect({ ...identities[1]!, cleanStart: false });
    for (const text of numbers(400)) assert.equal(payloadOf(await second.receive()), text);
    await using first = await RawClient.connect({ ...identities[0]!, cleanStart: false });
    await first.expectNothing();
  });

  test('QoS 1: what a member had not acknowledged when its session ended goes to another', async () => {
    const leaving = await RawClient.connect({ port: broker.port });
    await leaving.subscribe('$share/g/leaving');
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of numbers(3)) await publisher.publish('leaving', text, { qos: 1 });
    for (const text of numbers(3)) assert.equal(payloadOf(await leaving.expect('publish')), text);
    await using staying = await RawClient.connect({ port: broker.port });
    await staying.subscribe('$share/g/leaving');
    await leaving.drop();
    for (const text of numbers(3)) assert.equal(payloadOf(await staying.receive()), text);
    await staying.expectNothing();
  });

  test('a member with a full window leaves its share to others; when all are full, messages wait', async () => {
    const options = { port: broker.port, properties: { receiveMaximum: 1 } };
    await using idle = await RawClient.connect(options);
    await using busy = await RawClient.connect(options);
    for (const member of [idle, busy]) await member.subscribe('$share/g/full');
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of numbers(6)) await publisher.publish('full', text, { qos: 1 });
    await idle.expect('publish');
    for (const _ of numbers(5)) await busy.receive();
    await busy.expectNothing();
  });

  test('a member that unsubscribes gets no more', async () => {
    await using first = await RawClient.connect({ port: broker.port });
    await using second = await RawClient.connect({ port: broker.port });
    for (const member of [first, second]) await member.subscribe('$share/g/unsubscribed');
    await first.unsubscribe('$share/g/unsubscribed');
    for (const text of numbers(4)) await second.publish('unsubscribed', text, { qos: 1 });
    for (const text of numbers(4)) assert.equal(payloadOf(await second.receive()), text);
    await first.expectNothing();
  });

  test('a client with a shared and a plain subscription gets a copy for each', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe(['$share/g/both', 'both']);
    await client.publish('both', 'x', { qos: 1 });
    assert.equal(payloadOf(await client.receive()), 'x');
    assert.equal(payloadOf(await client.receive()), 'x');
    await client.expectNothing();
  });
});
