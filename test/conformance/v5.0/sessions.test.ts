import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const properties = { sessionExpiryInterval: 60 };

test('[MQTT-3.1.2-4] [MQTT-3.2.2-2] clean start finds nothing: no subscriptions, and no messages on their way', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.publish(topic, 'unacknowledged', { qos: 1 });
  await before.expect('publish');
  await before.drop();
  await using after = await connect({ clientId, properties, cleanStart: true });
  assert.equal(after.connack.sessionPresent, false);
  await after.publish(topic, 'to nobody', { qos: 1 });
  await after.expectNothing();
});

test('[MQTT-3.1.2-4] what clean start discarded does not come back', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.disconnect();
  await using clean = await connect({ clientId, properties, cleanStart: true });
  await clean.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  await after.publish(topic, 'to nobody', { qos: 1 });
  await after.expectNothing();
});

test('[MQTT-3.1.2-5] [MQTT-3.2.2-3] a session goes on where it was: subscriptions, and messages on their way', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.publish(topic, 'unacknowledged', { qos: 1 });
  const { packetId } = await before.expect('publish');
  await before.drop();
  await using after = await connect({ clientId, properties, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
  const again = await after.receive();
  assert.deepEqual([again.packetId, payloadOf(again)], [packetId, 'unacknowledged']);
  await after.publish(topic, 'later', { qos: 1 });
  assert.equal(await after.expectPayload(), 'later');
});

test('[MQTT-3.1.2-5] the server still knows which QoS 2 messages of the client it has', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using before = await connect({ clientId, properties });
  before.sendPublish(topic, 'once', { qos: 2, packetId: 7 });
  await before.expect('pubrec');
  await before.drop();
  await using after = await connect({ clientId, properties, cleanStart: false });
  after.sendPublish(topic, 'once', { qos: 2, packetId: 7, duplicate: true });
  await after.expect('pubrec');
  after.sendAck('pubrel', 7);
  await after.expect('pubcomp');
  await after.publish(topic, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(watcher, 'end'), ['once']);
});

test('[MQTT-3.1.2-6] [MQTT-3.2.2-3] clean start 0 without a session makes one', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, properties, cleanStart: false });
  assert.equal(before.connack.sessionPresent, false);
  await before.subscribe(topic);
  await before.publish(topic, 'message', { qos: 1 });
  assert.equal(payloadOf(await before.receive()), 'message');
  await before.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
});

const ENDINGS: Readonly<Record<string, (client: RawClient) => Promise<void>>> = {
  'a DISCONNECT': (client) => client.disconnect(),
  'a DISCONNECT with the will': (client) => client.disconnect(ReasonCode.disconnectWithWillMessage),
  'the network': (client) => client.drop(),
  'an error of the client': async (client) => {
    client.sendBytes(frame(0x01));
    await client.ended();
  },
};

for (const [ending, end] of Object.entries(ENDINGS))
  test(`[MQTT-3.1.2-23] a session with an expiry interval outlives a connection ended by ${ending}`, async () => {
    const [clientId, topic] = [unique('c'), unique('topic')];
    await using before = await connect({ clientId, properties });
    await before.subscribe(topic);
    await end(before);
    await using publisher = await connect();
    for (const qos of [1, 2] as const) await publisher.publish(topic, `missed ${qos}`, { qos });
    await using after = await connect({ clientId, cleanStart: false });
    assert.equal(after.connack.sessionPresent, true);
    const received = [await after.receive(), await after.receive()];
    assert.deepEqual(received.map(payloadOf), ['missed 1', 'missed 2']);
  });

test('[MQTT-3.1.2-23] DISCONNECT may change the interval: 0 ends the session, more keeps it', async () => {
  for (const [sessionExpiryInterval, isKept] of [
    [0, false],
    [120, true],
  ] as const) {
    const clientId = unique('c');
    await using before = await connect({ clientId, properties });
    await before.disconnect(ReasonCode.normalDisconnection, { sessionExpiryInterval });
    await using after = await connect({ clientId, cleanStart: false });
    assert.equal(after.connack.sessionPresent, isKept);
  }
});

test('[MQTT-4.13.1-1] a session that was to end with its connection cannot be kept by DISCONNECT', async () => {
  const clientId = unique('c');
  await using client = await connect({ clientId });
  client.send({ type: 'disconnect', reasonCode: 0, properties });
  await expectRefusal(client, ReasonCode.protocolError);
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, false);
});

test('[MQTT-3.1.4-3] a client that connects again ends its first connection, which is told so', async () => {
  const clientId = unique('c');
  await using first = await connect({ clientId });
  await using second = await connect({ clientId });
  await expectRefusal(first, ReasonCode.sessionTakenOver);
  await second.expectNothing();
});

test('[MQTT-3.1.4-4] clean start decides what a connection that takes over finds', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using first = await connect({ clientId, properties });
  await first.subscribe(topic);
  await using second = await connect({ clientId, properties, cleanStart: false });
  assert.equal(second.connack.sessionPresent, true);
  await second.publish(topic, 'message', { qos: 1 });
  assert.equal(payloadOf(await second.receive()), 'message');
  await using third = await connect({ clientId, properties, cleanStart: true });
  assert.equal(third.connack.sessionPresent, false);
  await third.publish(topic, 'to nobody', { qos: 1 });
  await third.expectNothing();
});
