import assert from 'node:assert/strict';
import type { UnsubscribePacket } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const UNREADABLE = [ReasonCode.malformedPacket, ReasonCode.protocolError] as const;

function unsubscribePacket(...filters: string[]): UnsubscribePacket {
  return { type: 'unsubscribe', packetId: 1, filters, properties: {} };
}

for (const flags of [0b0000, 0b0001, 0b0011, 0b0110, 0b1010])
  test(`[MQTT-3.10.1-1] an UNSUBSCRIBE with flags ${flags.toString(2).padStart(4, '0')} ends the connection`, async () => {
    await using client = await connect();
    const frame = frameOf(client, unsubscribePacket(unique('topic')));
    frame[0] = 0xa0 | flags;
    client.sendBytes(frame);
    await expectRefusal(client, ...UNREADABLE);
  });

test('[MQTT-3.10.3-1] a filter that is not UTF-8 ends the connection', async () => {
  await using client = await connect();
  const frame = frameOf(client, unsubscribePacket('topic/xxx'));
  frame.set([0xed, 0xa0, 0x80], frame.indexOf('xxx'));
  client.sendBytes(frame);
  await expectRefusal(client, ...UNREADABLE, ReasonCode.topicFilterInvalid);
});

test('[MQTT-3.10.3-2] an UNSUBSCRIBE without a filter ends the connection', async () => {
  await using client = await connect();
  client.sendBytes(Buffer.from([0xa2, 3, 0, 1, 0]));
  await expectRefusal(client, ...UNREADABLE);
});

test('[MQTT-3.10.4-1] a subscription ends by its own filter, character by character, and by no other', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([`${topic}/+`, `${topic}/a`]);
  const others = [`${topic}/#`, '#', `${topic}/A`, `${topic}/a/`, `${topic}//a`, `/${topic}/a`];
  const { reasonCodes } = await client.unsubscribe(...others);
  assert(!reasonCodes.includes(ReasonCode.success));
  await client.unsubscribe(`${topic}/a`);
  await client.publish(`${topic}/a`, 'by the wildcard', { qos: 1 });
  assert.equal(await client.expectPayload(), 'by the wildcard');
  await client.unsubscribe(`${topic}/+`);
  await client.publish(`${topic}/a`, 'by none', { qos: 1 });
  await client.expectNothing();
});

test('[MQTT-3.10.4-2] what is published after the UNSUBACK is not delivered', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using publisher = await connect();
  await client.subscribe([`${topic}/a`, `${topic}/end`]);
  await client.unsubscribe(`${topic}/a`);
  for (const qos of [0, 1, 2] as const) await publisher.publish(`${topic}/a`, `late ${qos}`, { qos });
  await publisher.publish(`${topic}/end`, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(client, 'end'), []);
});

test('[MQTT-3.10.4-3] the delivery of a message that has been sent goes on to its end', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  for (const qos of [1, 2, 2] as const) await before.publish(topic, `started ${qos}`, { qos });
  const [confirmed, received, resent] = [
    await before.expect('publish'),
    await before.expect('publish'),
    await before.expect('publish'),
  ];
  await before.unsubscribe(topic);
  before.sendAck('pubrec', received.packetId);
  assert.equal((await before.expect('pubrel')).packetId, received.packetId);
  before.sendAck('pubcomp', received.packetId);
  await before.drop();
  await using after = await connect({ clientId, properties, cleanStart: false });
  const again = [await after.expect('publish'), await after.expect('publish')].map(({ packetId }) => packetId);
  assert.deepEqual(again.toSorted(), [confirmed.packetId, resent.packetId].toSorted());
  await after.expectNothing();
});

test('[MQTT-3.10.4-4] [MQTT-3.10.4-5] UNSUBACK has the identifier of the UNSUBSCRIBE, whether that ended anything or not', async () => {
  await using client = await connect();
  const topic = unique('topic');
  await client.subscribe(topic);
  for (const packetId of [1, 0x1234, 0xffff]) {
    client.send({ ...unsubscribePacket(topic), packetId });
    assert.equal((await client.expect('unsuback')).packetId, packetId);
  }
});

test('[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] many filters are answered with one UNSUBACK, a code for each in order', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([`${topic}/a`, `${topic}/c`]);
  const { success, noSubscriptionExisted: none } = ReasonCode;
  const { reasonCodes } = await client.unsubscribe(...['a', 'b', 'c', 'a'].map((level) => `${topic}/${level}`));
  assert.deepEqual(reasonCodes, [success, none, success, none]);
  for (const level of ['a', 'c']) client.sendPublish(`${topic}/${level}`, 'message');
  await client.expectNothing();
});
