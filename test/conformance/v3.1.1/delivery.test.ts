import assert from 'node:assert/strict';
import { payloadOf } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

test('[MQTT-4.3.1-1] QoS 0 is sent with QoS 0 and without DUP, once', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  await client.publish(topic, 'message', { qos: 0 });
  const { qos, duplicate, packetId } = await client.receive();
  assert.deepEqual([qos, duplicate, packetId], [0, false, 0]);
  await client.expectNothing();
});

test('[MQTT-4.3.2-1] QoS 1 is sent with an unused identifier, and kept until it is acknowledged', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  for (const text of ['first', 'second']) await before.publish(topic, text, { qos: 1 });
  const [first, second] = [await before.expect('publish'), await before.expect('publish')];
  assert.notEqual(first.packetId, second.packetId);
  assert.deepEqual([first.qos, first.duplicate, second.qos, second.duplicate], [1, false, 1, false]);
  before.sendAck('puback', first.packetId);
  await before.expectNothing();
  await before.drop();
  await using after = await connect({ clientId, cleanStart: false });
  const again = await after.take('publish');
  assert.deepEqual([payloadOf(again), again.packetId], ['second', second.packetId]);
});

test('[MQTT-4.3.2-2] QoS 1 is acknowledged; the identifier then begins another message, DUP or not', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const [text, duplicate] of [
    ['first', false],
    ['second', true],
  ] as const) {
    client.sendPublish(topic, text, { qos: 1, packetId: 77, duplicate });
    assert.equal((await client.take('puback')).packetId, 77);
    const packet = await client.take('publish');
    assert.equal(payloadOf(packet), text);
    client.sendAck('puback', packet.packetId);
  }
});

test('[MQTT-4.3.3-1] QoS 2 is sent with an unused identifier, then released under it', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const text of ['first', 'second']) await client.publish(topic, text, { qos: 2 });
  const [first, second] = [await client.expect('publish'), await client.expect('publish')];
  assert.notEqual(first.packetId, second.packetId);
  assert.deepEqual([first.qos, first.duplicate, second.qos, second.duplicate], [2, false, 2, false]);
  for (const { packetId } of [first, second]) {
    client.sendAck('pubrec', packetId);
    assert.equal((await client.expect('pubrel')).packetId, packetId);
    client.sendAck('pubcomp', packetId);
  }
  await client.expectNothing();
});

test('[MQTT-4.3.3-1] until PUBREC the message is kept, until PUBCOMP its release, and never both', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  await before.publish(topic, 'message', { qos: 2 });
  const { packetId } = await before.expect('publish');
  await before.drop();
  await using second = await connect({ clientId, cleanStart: false });
  assert.equal((await second.take('publish')).packetId, packetId);
  second.sendAck('pubrec', packetId);
  assert.equal((await second.take('pubrel')).packetId, packetId);
  await second.drop();
  await using third = await connect({ clientId, cleanStart: false });
  assert.equal((await third.expect('pubrel')).packetId, packetId);
  third.sendAck('pubcomp', packetId);
  await third.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(third, 'end'), []);
  await third.drop();
  await using fourth = await connect({ clientId, cleanStart: false });
  await fourth.expectNothing();
});

test('[MQTT-4.3.3-2] QoS 2: until PUBREL a repeat is answered and not delivered, over connections too', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using subscriber = await connect();
  await subscriber.subscribe({ filter: topic, qos: 1 });
  await using before = await connect({ clientId, cleanStart: false });
  for (const duplicate of [false, true]) {
    before.sendPublish(topic, 'once', { qos: 2, packetId: 5, duplicate });
    assert.equal((await before.expect('pubrec')).packetId, 5);
  }
  await before.drop();
  await using after = await connect({ clientId, cleanStart: false });
  after.sendPublish(topic, 'once', { qos: 2, packetId: 5, duplicate: true });
  assert.equal((await after.expect('pubrec')).packetId, 5);
  after.sendAck('pubrel', 5);
  assert.equal((await after.expect('pubcomp')).packetId, 5);
  await after.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), ['once']);
});

test('[MQTT-4.3.3-2] QoS 2: PUBREL is answered each time, and then the identifier begins another message', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0 });
  for (const text of ['first', 'second']) {
    client.sendPublish(topic, text, { qos: 2, packetId: 6 });
    assert.equal((await client.take('pubrec')).packetId, 6);
    for (let count = 0; count < 2; count++) {
      client.sendAck('pubrel', 6);
      assert.equal((await client.take('pubcomp')).packetId, 6);
    }
    assert.equal(payloadOf(await client.take('publish')), text);
  }
});
