import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadOf, publishPacket } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { frameOf, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
/** Long enough for an interval of one second also where a server counts and looks by whole seconds. */
const MORE_THAN_A_SECOND_MS = 3100;

for (const sessionExpiryInterval of [0, 1])
  test(`[MQTT-4.1.0-1] a connection keeps its session beyond an expiry interval of ${sessionExpiryInterval} s`, async () => {
    const topic = unique('topic');
    await using client = await connect({ properties: { sessionExpiryInterval } });
    await client.subscribe(topic);
    await client.publish(topic, 'outbound', { qos: 2 });
    const outbound = await client.expect('publish');
    const inbound = client.sendPublish(topic, 'inbound', { qos: 2 });
    await client.take('pubrec');
    await sleep(MORE_THAN_A_SECOND_MS);
    client.sendAck('pubrec', outbound.packetId);
    await client.take('pubrel');
    client.sendAck('pubcomp', outbound.packetId);
    client.sendPublish(topic, 'inbound', { qos: 2, packetId: inbound, duplicate: true });
    await client.take('pubrec');
    client.sendAck('pubrel', inbound);
    assert.equal((await client.take('pubcomp')).reasonCode, 0);
    await client.publish(topic, 'end', { qos: 2 });
    assert.deepEqual(await textsBefore(client, 'end'), ['inbound']);
  });

test('[MQTT-4.1.0-2] with an expiry interval of 0 the session ends with the connection', async () => {
  const identity = { clientId: unique(), cleanStart: false };
  const topic = unique('topic');
  await using before = await connect(identity);
  await before.subscribe(topic);
  await before.disconnect();
  await using after = await connect(identity);
  assert.equal(after.connack.sessionPresent, false);
  await after.publish(topic, 'message', { qos: 1 });
  await after.expectNothing();
});

test('[MQTT-4.1.0-2] a session ends when its expiry interval has passed, and not before', async () => {
  const identity = { clientId: unique(), cleanStart: false, properties: { sessionExpiryInterval: 1 } };
  const topic = unique('topic');
  await using first = await connect(identity);
  await first.subscribe(topic);
  await first.disconnect();
  await using second = await connect(identity);
  assert.equal(second.connack.sessionPresent, true);
  await second.disconnect();
  await using publisher = await connect();
  await publisher.publish(topic, 'while away', { qos: 1 });
  await sleep(MORE_THAN_A_SECOND_MS);
  await using third = await connect(identity);
  assert.equal(third.connack.sessionPresent, false);
  await publisher.publish(topic, 'after', { qos: 1 });
  await third.expectNothing();
});

test('[MQTT-4.2-1] TCP carries packets whichever pieces it comes in: byte by byte, and many at once', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0 });
  const frame = frameOf(
    client,
    publishPacket(topic, 'slow', {}, () => 0),
  );
  for (const byte of frame) {
    client.sendBytes(Buffer.from([byte]));
    await sleep(1);
  }
  assert.equal(await client.expectPayload(), 'slow');
  const texts = Array.from({ length: 100 }, (_, number) => String(number));
  for (const text of texts) client.sendPublish(topic, text);
  for (const text of texts) assert.equal(await client.expectPayload(), text);
});

test('[MQTT-4.2-1] a message of many TCP segments arrives whole', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  const text = 'large '.repeat(50_000);
  client.sendPublish(topic, text, { qos: 1 });
  assert.equal(payloadOf(await client.take('publish')), text);
});
