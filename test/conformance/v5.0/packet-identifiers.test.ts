import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { bytes, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

test('[MQTT-2.2.1-2] a PUBLISH of QoS 0 has no identifier: behind the topic come properties and payload', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  client.sendBytes(frame(0x30, field(topic), 0, 0, 7, 'payload'));
  const { qos, payload } = await client.receive();
  assert.equal(qos, 0);
  assert.deepEqual(Buffer.from(payload), bytes(0, 7, 'payload'));
});

for (const [packet, sent] of Object.entries({
  SUBSCRIBE: frame(0x82, 0, 0, 0, field('filter'), 0),
  UNSUBSCRIBE: frame(0xa2, 0, 0, 0, field('filter')),
  'PUBLISH of QoS 1': frame(0x32, field('topic'), 0, 0, 0, 'payload'),
  'PUBLISH of QoS 2': frame(0x34, field('topic'), 0, 0, 0, 'payload'),
}))
  test(`[MQTT-2.2.1-3] identifier 0 in ${packet} ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(sent);
    await expectRefusal(client, ReasonCode.protocolError, ReasonCode.malformedPacket);
  });

test('[MQTT-2.2.1-4] what the server sends has identifiers that are not 0 and not in use', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  for (const qos of [1, 2, 1, 2] as const) await publisher.publish(topic, 'message', { qos });
  const inUse = new Set<number>();
  for (let count = 0; count < 4; count++) inUse.add((await subscriber.expect('publish')).packetId);
  assert.equal(inUse.size, 4);
  assert(!inUse.has(0));
});

test('[MQTT-2.2.1-4] an identifier is in use until PUBCOMP', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  await publisher.publish(topic, 'first', { qos: 2 });
  const { packetId } = await subscriber.expect('publish');
  subscriber.sendAck('pubrec', packetId);
  await subscriber.expect('pubrel');
  for (let count = 0; count < 300; count++) {
    publisher.sendPublish(topic, 'next', { qos: 1 });
    const next = await subscriber.receive();
    assert.notEqual(next.packetId, packetId);
  }
});

for (const packetId of [1, 0x1234, 0xffff]) {
  test(`[MQTT-2.2.1-5] PUBACK, PUBREC and PUBCOMP have the identifier ${packetId} of their message`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    client.sendPublish(topic, 'message', { qos: 1, packetId });
    assert.equal((await client.expect('puback')).packetId, packetId);
    client.sendPublish(topic, 'message', { qos: 2, packetId });
    assert.equal((await client.expect('pubrec')).packetId, packetId);
    client.sendAck('pubrel', packetId);
    assert.equal((await client.expect('pubcomp')).packetId, packetId);
  });

  test(`[MQTT-2.2.1-6] SUBACK and UNSUBACK have the identifier ${packetId} of their request`, async () => {
    const filter = unique('topic');
    await using client = await connect();
    client.sendBytes(frame(0x82, packetId >> 8, packetId & 0xff, 0, field(filter), 0));
    assert.equal((await client.expect('suback')).packetId, packetId);
    client.sendBytes(frame(0xa2, packetId >> 8, packetId & 0xff, 0, field(filter)));
    assert.equal((await client.expect('unsuback')).packetId, packetId);
  });
}

test('[MQTT-2.2.1-5] PUBREL has the identifier of the message', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const _ of [1, 2]) {
    await client.publish(topic, 'message', { qos: 2 });
    const { packetId } = await client.expect('publish');
    client.sendAck('pubrec', packetId);
    assert.equal((await client.expect('pubrel')).packetId, packetId);
  }
});
