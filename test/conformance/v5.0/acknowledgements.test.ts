import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const FOUND_OR_NOT: readonly number[] = [ReasonCode.success, ReasonCode.packetIdentifierNotFound];
const TAKEN: readonly number[] = [ReasonCode.success, ReasonCode.noMatchingSubscribers];

test('[MQTT-3.3.4-1] a PUBLISH is answered as its QoS says: not at all, with PUBACK, with PUBREC', async () => {
  const topic = unique('topic');
  await using client = await connect();
  client.sendPublish(topic, 'message', { qos: 0 });
  await client.expectNothing();
  const confirmed = client.sendPublish(topic, 'message', { qos: 1 });
  assert.equal((await client.expect('puback')).packetId, confirmed);
  const received = client.sendPublish(topic, 'message', { qos: 2 });
  assert.equal((await client.expect('pubrec')).packetId, received);
});

for (const [name, qos, answer] of [
  ['[MQTT-3.4.2-1] PUBACK says with a code of its own that a message was taken', 1, 'puback'],
  ['[MQTT-3.5.2-1] PUBREC says with a code of its own that a message was taken', 2, 'pubrec'],
] as const)
  test(`${name}, with and without subscribers`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    client.sendPublish(topic, 'nobody', { qos });
    // The client decodes no code but those the packet may carry.
    assert(TAKEN.includes((await client.expect(answer)).reasonCode));
    await using subscriber = await connect();
    await subscriber.subscribe(topic);
    client.sendPublish(topic, 'somebody', { qos });
    assert.equal((await client.expect(answer)).reasonCode, ReasonCode.success);
  });

for (const nibble of [0b0000, 0b0001, 0b0011, 0b0110, 0b1010])
  test(`[MQTT-3.6.1-1] a PUBREL with flags ${nibble.toString(2).padStart(4, '0')} ends the connection`, async () => {
    await using client = await connect();
    const packetId = client.sendPublish(unique('topic'), 'message', { qos: 2 });
    await client.expect('pubrec');
    const frame = frameOf(client, { type: 'pubrel', packetId, reasonCode: 0, properties: {} });
    frame[0] = 0x60 | nibble;
    client.sendBytes(frame);
    await expectRefusal(client, ReasonCode.malformedPacket, ReasonCode.protocolError);
  });

test('[MQTT-3.6.1-1] the flags of the server’s PUBREL are 0010', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  await client.publish(topic, 'message', { qos: 2 });
  client.sendAck('pubrec', (await client.expect('publish')).packetId);
  // The client decodes no other.
  await client.expect('pubrel');
});

test('[MQTT-3.6.2-1] PUBREL says success for a message on its way, and "not found" or success for another', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  await client.publish(topic, 'message', { qos: 2 });
  const { packetId } = await client.expect('publish');
  client.sendAck('pubrec', packetId);
  assert.equal((await client.expect('pubrel')).reasonCode, ReasonCode.success);
  client.sendAck('pubrec', packetId + 1);
  client.sendAck('pubcomp', packetId);
  client.send({ type: 'pingreq' });
  const answer = await client.next();
  // A server may also ignore it.
  if (answer.type === 'pubrel') assert(FOUND_OR_NOT.includes(answer.reasonCode));
  else assert.equal(answer.type, 'pingresp');
});

test('[MQTT-3.7.2-1] PUBCOMP says success for a message on its way, and "not found" or success for another', async () => {
  await using client = await connect();
  const packetId = client.sendPublish(unique('topic'), 'message', { qos: 2 });
  await client.expect('pubrec');
  client.sendAck('pubrel', packetId);
  assert.equal((await client.expect('pubcomp')).reasonCode, ReasonCode.success);
  client.sendAck('pubrel', packetId);
  const again = await client.expect('pubcomp');
  assert(FOUND_OR_NOT.includes(again.reasonCode));
});
