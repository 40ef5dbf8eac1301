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

  test('QoS 1: what a member has not acknowledged goes to another as soon as it is away, in order', async () => {
    const identity = { port: broker.port, clientId: 'going', properties: { sessionExpiryInterval: 600 } };
    const going = await RawClient.connect(identity);
    await going.subscribe('$share/g/going');
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of numbers(3)) await publisher.publish('going', text, { qos: 1 });
    const sent = [await going.expect('publish'), await going.expect('publish'), await going.expect('publish')];
    going.sendAck('puback', sent[1]!.packetId);
    await going.disconnect();
    await using staying = await RawClient.connect({ port: broker.port });
    await staying.subscribe('$share/g/going');
    await publisher.publish('going', 'newer', { qos: 1 });
    for (const text of ['0', '2', 'newer']) assert.equal(payloadOf(await staying.receive()), text);
    await using back = await RawClient.connect({ ...identity, cleanStart: false });
    assert.equal(back.connack.sessionPresent, true);
    for (const text of ['4', '5']) await publisher.publish('going', text, { qos: 1 });
    assert.equal(payloadOf(await back.receive()), '4', 'it has its turn again, and nothing of before');
    assert.equal(payloadOf(await staying.receive()), '5');
  });

  for (const [what, interrupt] of [
    ['it comes back', async () => undefined],
    ['the broker was restarted', (own: TestBroker) => own.restart()],
  ] as const)
    test(`what nobody else took is sent again to the member itself when ${what}: DUP, same identifier`, async () => {
      await using own = await TestBroker.start();
      const identity = { clientId: 'alone', properties: { sessionExpiryInterval: 600 } };
      const first = await RawClient.connect({ ...identity, port: own.port });
      await first.subscribe('$share/g/alone');
      for (const qos of [1, 2, 2] as const) {
        await using publisher = await RawClient.connect({ port: own.port });
        await publisher.publish('alone', `QoS ${qos}`, { qos });
      }
      const sent = [await first.expect('publish'), await first.expect('publish'), await first.expect('publish')];
      first.sendAck('pubrec', sent[2]!.packetId);
      await first.expect('pubrel');
      await first.drop();
      await interrupt(own);
      await using back = await RawClient.connect({ ...identity, port: own.port, cleanStart: false });
      for (const packet of sent.slice(0, 2)) {
        const again = await back.expect('publish');
        assert.deepEqual(
          [again.packetId, again.duplicate, payloadOf(again)],
          [packet.packetId, true, payloadOf(packet)],
        );
      }
      assert.equal((await back.expect('pubrel')).packetId, sent[2]!.packetId);
    });

  test('a QoS 2 message on its way waits for its member, and goes to nobody else [MQTT-4.8.2-4] [MQTT-4.8.2-5]', async () => {
    const identity = { port: broker.port, clientId: 'exact', properties: { sessionExpiryInterval: 600 } };
    const exact = await RawClient.connect(identity);
    await exact.subscribe('$share/g/exact');
    await using publisher = await RawClient.connect({ port: broker.port });
    await publisher.publish('exact', 'once', { qos: 2 });
    const { packetId } = await exact.expect('publish');
    await using other = await RawClient.connect({ port: broker.port });
    await other.subscribe('$share/g/exact');
    await exact.drop();
    await other.expectNothing();
    await using back = await RawClient.connect({ ...identity, cleanStart: false });
    const again = await back.expect('publish');
    assert.deepEqual([again.packetId, again.duplicate], [packetId, true]);
    await back.drop();
    await using anew = await RawClient.connect({ ...identity, cleanStart: true });
    assert.equal(anew.connack.sessionPresent, false);
    await other.expectNothing();
  });

  for (const reason of ['puback', 'pubrec'] as const)
    test(`a message that its member refuses with ${reason} goes to nobody else [MQTT-4.8.2-6]`, async () => {
      const topic = `refused/${reason}`;
      await using refusing = await RawClient.connect({ port: broker.port });
      await refusing.subscribe(`$share/g/${topic}`);
      await using publisher = await RawClient.connect({ port: broker.port });
      await publisher.publish(topic, 'unwanted', { qos: reason === 'puback' ? 1 : 2 });
      const { packetId } = await refusing.expect('publish');
      await using other = await RawClient.connect({ port: broker.port });
      await other.subscribe(`$share/g/${topic}`);
      refusing.send({ type: reason, packetId, reasonCode: ReasonCode.unspecifiedError, properties: {} });
      await refusing.drop();
      await other.expectNothing();
    });

  test('a member that unsubscribes keeps what was sent to it [MQTT-3.10.4-3]', async () => {
    const identity = { port: broker.port, clientId: 'keeping', properties: { sessionExpiryInterval: 600 } };
    const keeping = await RawClient.connect(identity);
    await keeping.subscribe('$share/g/keeping');
    await using other = await RawClient.connect({ port: broker.port });
    await other.publish('keeping', 'started', { qos: 1 });
    const { packetId } = await keeping.expect('publish');
    await keeping.unsubscribe('$share/g/keeping');
    await other.subscribe('$share/g/keeping');
    await keeping.drop();
    await other.expectNothing();
    await using back = await RawClient.connect({ ...identity, cleanStart: false });
    const again = await back.receive();
    assert.deepEqual([again.packetId, again.duplicate], [packetId, true]);
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
