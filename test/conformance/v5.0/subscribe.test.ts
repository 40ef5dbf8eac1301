import assert from 'node:assert/strict';
import type { Qos, SubscribePacket } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf, publishesBefore, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const UNREADABLE = [ReasonCode.malformedPacket, ReasonCode.protocolError] as const;

function subscribePacket(filter: string, packetId = 1): SubscribePacket {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { type: 'subscribe', packetId, subscriptions: [{ filter, ...options }], properties: {} };
}

/** A SUBSCRIBE with one thing changed. */
function spoiled(client: RawClient, filter: string, spoil: (frame: Buffer) => void): Buffer {
  const frame = frameOf(client, subscribePacket(filter));
  spoil(frame);
  return frame;
}

for (const flags of [0b0000, 0b0001, 0b0011, 0b0110, 0b1010])
  test(`[MQTT-3.8.1-1] a SUBSCRIBE with flags ${flags.toString(2).padStart(4, '0')} ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(spoiled(client, unique('topic'), (frame) => frame.writeUInt8(0x80 | flags, 0)));
    await expectRefusal(client, ...UNREADABLE);
  });

for (const bytes of [
  [0xed, 0xa0, 0x80],
  [0xc0, 0xaf, 0x61],
])
  test(`[MQTT-3.8.3-1] a filter with the bytes ${Buffer.from(bytes).toString('hex')} ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(spoiled(client, 'topic/xxx', (frame) => frame.set(bytes, frame.indexOf('xxx'))));
    await expectRefusal(client, ...UNREADABLE, ReasonCode.topicFilterInvalid);
  });

test('[MQTT-3.8.3-2] a SUBSCRIBE without a filter ends the connection', async () => {
  await using client = await connect();
  client.sendBytes(Buffer.from([0x82, 3, 0, 1, 0]));
  await expectRefusal(client, ...UNREADABLE);
});

test('[MQTT-3.8.3-3] No Local: messages do not come back to who published them, but go to others', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using other = await connect();
  for (const subscriber of [client, other]) await subscriber.subscribe({ filter: topic, noLocal: true });
  for (const qos of [0, 1, 2] as const) await client.publish(topic, `own ${qos}`, { qos });
  await other.publish(topic, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(client, 'end'), []);
  for (const qos of [0, 1, 2]) assert.equal(await other.expectPayload(), `own ${qos}`);
});

test('[MQTT-3.8.3-4] No Local on a shared subscription ends the connection', async () => {
  await using client = await connect();
  const { subscriptions, ...packet } = subscribePacket(`$share/group/${unique('topic')}`);
  client.send({ ...packet, subscriptions: [{ ...subscriptions[0]!, noLocal: true }] });
  await expectRefusal(client, ReasonCode.protocolError);
});

for (const bit of [0x40, 0x80])
  test(`[MQTT-3.8.3-5] a SUBSCRIBE with the reserved bit 0x${bit.toString(16)} ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(spoiled(client, unique('topic'), (frame) => frame.writeUInt8(bit | 1, frame.length - 1)));
    await expectRefusal(client, ...UNREADABLE);
  });

test('[MQTT-3.8.4-1] [MQTT-3.8.4-2] a SUBSCRIBE is answered with a SUBACK of the same packet identifier', async () => {
  await using client = await connect();
  for (const packetId of [1, 0x1234, 0xffff]) {
    client.send(subscribePacket(unique('topic'), packetId));
    assert.equal((await client.expect('suback')).packetId, packetId);
  }
});

test('[MQTT-3.8.4-3] a repeated subscription takes the place of the first, with its own options', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0, retainAsPublished: false }, { subscriptionIdentifier: 1 });
  await client.subscribe({ filter: topic, qos: 2, retainAsPublished: true }, { subscriptionIdentifier: 2 });
  await client.publish(topic, 'message', { qos: 1, retain: true });
  await client.publish(topic, 'end', { qos: 1 });
  const [packet, ...more] = await publishesBefore(client, 'end');
  assert.deepEqual([packet!.qos, packet!.retain, packet!.properties.subscriptionIdentifiers], [1, true, [2]]);
  assert.deepEqual(more, []);
  await client.unsubscribe(topic);
  await client.publish(topic, 'gone', { qos: 1 });
  await client.expectNothing();
});

test('[MQTT-3.8.4-4] a repeated subscription brings the retained messages again and loses none that is published', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using publisher = await connect();
  await publisher.publish(`${topic}/retained`, 'retained', { qos: 1, retain: true });
  await client.subscribe(`${topic}/+`);
  assert.equal(await client.expectPayload(), 'retained');
  const texts = Array.from({ length: 20 }, (_, number) => String(number));
  for (const text of texts) {
    publisher.sendPublish(`${topic}/live`, text, { qos: 1 });
    client.send(subscribePacket(`${topic}/+`, client.nextPacketId()));
  }
  for (const _ of texts) await publisher.take('puback');
  for (const _ of texts) await client.take('suback');
  await publisher.publish(`${topic}/live`, 'end', { qos: 1 });
  const received = await textsBefore(client, 'end');
  assert.deepEqual(
    received.filter((text) => text !== 'retained'),
    texts,
  );
  assert(received.includes('retained'));
});

test('[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.9.3-1] many filters are answered with one SUBACK, a code for each in order', async () => {
  const topic = unique('topic');
  await using client = await connect();
  const wanted = [2, 0, 1, 0, 2, 1] as const;
  client.send({
    ...subscribePacket(''),
    subscriptions: wanted.map((qos, index) => ({ ...subscribePacket(`${topic}/${index}`).subscriptions[0]!, qos })),
  });
  const { reasonCodes } = await client.expect('suback');
  assert.equal(reasonCodes.length, wanted.length);
  for (const [index, qos] of wanted.entries()) assert(reasonCodes[index]! <= qos);
  for (const [index] of wanted.entries()) {
    client.sendPublish(`${topic}/${index}`, 'message', { qos: 0 });
    assert.equal((await client.expect('publish')).topic, `${topic}/${index}`);
  }
  await client.expectNothing();
});

test('[MQTT-3.8.4-7] [MQTT-3.9.3-2] the code of a SUBACK is the QoS granted, at most the one asked for, or a refusal', async () => {
  await using client = await connect();
  for (const qos of [0, 1, 2] as const) {
    // The client decodes no code but those a SUBACK may carry.
    const [reasonCode] = (await client.subscribe({ filter: unique('topic'), qos })).reasonCodes;
    assert(reasonCode! <= qos || reasonCode! >= 0x80, `${reasonCode}`);
  }
});

test('[MQTT-3.8.4-8] a message has the lower QoS of its publication and what was granted', async () => {
  await using publisher = await connect();
  for (const asked of [0, 1, 2] as const) {
    const topic = unique('topic');
    await using client = await connect();
    const [granted] = (await client.subscribe({ filter: topic, qos: asked })).reasonCodes as Qos[];
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(topic, 'message', { qos });
      assert.equal((await client.receive()).qos, Math.min(qos, granted!));
    }
  }
});
