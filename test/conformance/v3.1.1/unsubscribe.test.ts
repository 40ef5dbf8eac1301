import assert from 'node:assert/strict';
import { payloadOf } from '../../support/raw-client.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

test('[MQTT-3.10.3-2] an UNSUBSCRIBE without a filter ends the connection', async () => {
  await using client = await connect();
  client.sendBytes(frame(0xa2, 0, 1));
  await client.expectClose();
});

test('[MQTT-3.10.4-1] filters are compared character by character, not by what they match', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([`${topic}/+`, `${topic}/a`]);
  await client.unsubscribe(`${topic}/#`, `${topic}/b`, `${topic}/A`, `${topic}/a/`, `${topic}`, '#');
  await client.publish(`${topic}/b`, 'by +', { qos: 1 });
  assert.equal(payloadOf(await client.receive()), 'by +');
  await client.unsubscribe(`${topic}/+`);
  await client.publish(`${topic}/b`, 'to nobody', { qos: 1 });
  await client.publish(`${topic}/a`, 'by name', { qos: 1 });
  assert.equal(payloadOf(await client.receive()), 'by name');
});

test('[MQTT-3.10.4-2] after UNSUBACK no new message comes', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([topic, `${topic}/end`]);
  await client.unsubscribe(topic);
  for (const qos of [0, 1, 2] as const) await client.publish(topic, 'to nobody', { qos });
  await client.publish(`${topic}/end`, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(client, 'end'), []);
});

test('[MQTT-3.10.4-3] what was begun to be delivered is completed', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using client = await connect({ clientId, cleanStart: false });
  await client.subscribe(topic);
  await client.publish(topic, 'at least once', { qos: 1 });
  await client.publish(topic, 'exactly once', { qos: 2 });
  const [first, second] = [await client.expect('publish'), await client.expect('publish')];
  await client.unsubscribe(topic);
  client.sendAck('pubrec', second.packetId);
  assert.equal((await client.expect('pubrel')).packetId, second.packetId);
  await client.drop();
  // The other was not acknowledged, and is sent again.
  await using after = await connect({ clientId, cleanStart: false });
  const again = await after.take('publish');
  assert.deepEqual([payloadOf(again), again.packetId], ['at least once', first.packetId]);
});

test('[MQTT-3.10.4-4] UNSUBACK answers with the identifier of the UNSUBSCRIBE', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  client.sendBytes(frame(0xa2, 0xab, 0xcd, field(topic)));
  assert.equal((await client.expect('unsuback')).packetId, 0xabcd);
});

test('[MQTT-3.10.4-5] UNSUBACK answers also where there was no subscription', async () => {
  await using client = await connect();
  const packetId = 7;
  client.sendBytes(frame(0xa2, 0, packetId, field(unique('topic'))));
  assert.equal((await client.expect('unsuback')).packetId, packetId);
});

test('[MQTT-3.10.4-6] several filters in one packet are all removed, with one UNSUBACK', async () => {
  const topics = [unique('topic'), unique('topic'), unique('topic')];
  await using client = await connect();
  await client.subscribe(topics);
  client.sendBytes(frame(0xa2, 0, 9, field(topics[0]!), field(unique('none')), field(topics[2]!)));
  assert.equal((await client.expect('unsuback')).packetId, 9);
  await client.expectNothing();
  for (const topic of topics) await client.publish(topic, topic, { qos: 1 });
  assert.equal(payloadOf(await client.expect('publish')), topics[1]);
  await client.expectNothing();
});
