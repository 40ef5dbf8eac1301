import assert from 'node:assert/strict';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

test('[MQTT-3.1.2-4] [MQTT-4.1.0-1] a session goes on where it was, with its subscriptions', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  await before.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  await after.publish(topic, 'message', { qos: 1 });
  assert.equal(await after.expectPayload(), 'message');
});

for (const ending of ['disconnect', 'drop'] as const)
  test(`[MQTT-3.1.2-5] [MQTT-4.5.0-1] messages of QoS 1 and 2 wait for an absent client (${ending})`, async () => {
    const [clientId, topic] = [unique('c'), unique('topic')];
    await using before = await connect({ clientId, cleanStart: false });
    await before.subscribe(topic);
    await before[ending]();
    await using publisher = await connect();
    for (const qos of [1, 2] as const) await publisher.publish(topic, `missed ${qos}`, { qos });
    await using after = await connect({ clientId, cleanStart: false });
    const received = [await after.receive(), await after.receive()];
    assert.deepEqual(
      received.map(({ payload, qos }) => [Buffer.from(payload).toString(), qos]),
      [
        ['missed 1', 1],
        ['missed 2', 2],
      ],
    );
  });

test('[MQTT-4.5.0-1] every session with a matching subscription gets the message', async () => {
  const topic = unique('topic');
  const clients = await Promise.all([connect(), connect(), connect()]);
  await Promise.all(clients.map((client, index) => client.subscribe([topic, `${topic}/#`, '+/none'][index]!)));
  await using publisher = await connect();
  await publisher.publish(topic, 'message', { qos: 1 });
  await publisher.publish(topic, 'end', { qos: 1 });
  const texts = await Promise.all(clients.map((client, index) => (index < 2 ? client.expectPayload() : 'none')));
  assert.deepEqual(texts, ['message', 'message', 'none']);
  await clients[2]!.expectNothing();
  await Promise.all(clients.map((client) => client.drop()));
});

test('[MQTT-3.1.2-6] a clean session takes nothing over, and leaves nothing behind', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using kept = await connect({ clientId, cleanStart: false });
  await kept.subscribe(topic);
  await kept.disconnect();
  await using clean = await connect({ clientId, cleanStart: true });
  await clean.publish(topic, 'to nobody', { qos: 1 });
  await clean.expectNothing();
  await clean.subscribe(topic);
  await clean.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, false);
  await after.publish(topic, 'to nobody', { qos: 1 });
  await after.expectNothing();
});

test('[MQTT-3.1.2-7] retained messages outlive the session that published them', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using publisher = await connect({ clientId });
  await publisher.publish(topic, 'kept', { qos: 1, retain: true });
  await publisher.disconnect();
  await using again = await connect({ clientId });
  await again.disconnect();
  await using client = await connect();
  await client.subscribe(topic);
  assert.equal(await client.expectPayload(), 'kept');
});

test('[MQTT-3.1.3-2] the identifier tells sessions apart', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  await before.disconnect();
  await using other = await connect({ clientId: `${clientId}-other`, cleanStart: false });
  assert.equal(other.connack.sessionPresent, false);
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
});

test('[MQTT-3.1.4-2] a client that connects again ends its first connection', async () => {
  const clientId = unique('c');
  await using first = await connect({ clientId });
  await using second = await connect({ clientId });
  await first.expectClose();
  await second.expectNothing();
});

test('[MQTT-3.1.4-3] the flag decides what a connection that takes over finds', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using first = await connect({ clientId, cleanStart: false });
  await first.subscribe(topic);
  await using second = await connect({ clientId, cleanStart: false });
  assert.equal(second.connack.sessionPresent, true);
  await using third = await connect({ clientId, cleanStart: true });
  assert.equal(third.connack.sessionPresent, false);
  await third.publish(topic, 'to nobody', { qos: 1 });
  await third.expectNothing();
});

test('[MQTT-3.2.2-1] session present is 0 for a clean session, whatever was there', async () => {
  const clientId = unique('c');
  await using before = await connect({ clientId, cleanStart: false });
  await before.disconnect();
  await using after = await connect({ clientId, cleanStart: true });
  assert.equal(after.connack.sessionPresent, false);
});

test('[MQTT-3.2.2-2] [MQTT-3.2.2-3] session present says whether there was one', async () => {
  const clientId = unique('c');
  await using first = await connect({ clientId, cleanStart: false });
  assert.equal(first.connack.sessionPresent, false);
  await first.disconnect();
  await using second = await connect({ clientId, cleanStart: false });
  assert.equal(second.connack.sessionPresent, true);
});

test('[MQTT-4.1.0-1] [MQTT-4.1.0-2] a clean session lasts as long as its connection', async () => {
  const topic = unique('topic');
  await using client = await connect({ cleanStart: true });
  await client.subscribe(topic);
  await client.publish(topic, 'first', { qos: 2 });
  const { packetId } = await client.expect('publish');
  // Others come and go meanwhile.
  for (let count = 0; count < 3; count++) {
    await using other = await connect();
    await other.publish(topic, `other ${count}`, { qos: 1 });
  }
  client.sendAck('pubrec', packetId);
  assert.equal((await client.take('pubrel')).packetId, packetId);
  for (let count = 0; count < 3; count++) assert.equal(await client.expectPayload(), `other ${count}`);
});

test('[MQTT-4.4.0-1] what was not acknowledged comes again after reconnecting, under its identifiers', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using publisher = await connect();
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  await publisher.publish(topic, 'once', { qos: 1 });
  await publisher.publish(topic, 'received', { qos: 2 });
  await publisher.publish(topic, 'unheard', { qos: 2 });
  const sent = [await before.expect('publish'), await before.expect('publish'), await before.expect('publish')];
  before.sendAck('pubrec', sent[1]!.packetId);
  assert.equal((await before.expect('pubrel')).packetId, sent[1]!.packetId);
  await before.drop();
  await using after = await connect({ clientId, cleanStart: false });
  const again = [await after.take('publish'), await after.take('publish')];
  assert.deepEqual(
    again.map(({ packetId, duplicate, qos }) => ({ packetId, duplicate, qos })),
    [
      { packetId: sent[0]!.packetId, duplicate: true, qos: 1 },
      { packetId: sent[2]!.packetId, duplicate: true, qos: 2 },
    ],
  );
  assert.equal((await after.take('pubrel')).packetId, sent[1]!.packetId);
});

test('[MQTT-4.4.0-1] what was acknowledged does not come again', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, cleanStart: false });
  await before.subscribe(topic);
  for (const qos of [1, 2] as const) {
    await before.publish(topic, 'message', { qos });
    await before.receive();
  }
  await before.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  await after.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(after, 'end'), []);
});
