import assert from 'node:assert/strict';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

test('[MQTT-4.3.1-1] a QoS 0 message is sent with QoS 0, no packet identifier and no DUP flag', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  client.sendPublish(topic, 'message', { qos: 0 });
  const { qos, packetId, duplicate } = await client.expect('publish');
  assert.deepEqual([qos, packetId, duplicate], [0, 0, false]);
});

for (const [name, first, qos] of [
  [
    '[MQTT-4.3.2-1] messages on their way have identifiers of their own',
    '[MQTT-4.3.2-2] a new message has no DUP flag',
    1,
  ],
  [
    '[MQTT-4.3.3-1] messages on their way have identifiers of their own',
    '[MQTT-4.3.3-2] a new message has no DUP flag',
    2,
  ],
] as const) {
  test(`${name}, none of them 0, at QoS ${qos}`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    await client.subscribe(topic);
    const inFlight = new Set<number>();
    for (let count = 0; count < 15; count += 1) {
      await client.publish(topic, 'message', { qos });
      const { packetId } = await client.expect('publish');
      assert(packetId > 0 && !inFlight.has(packetId), `${packetId} is in use`);
      inFlight.add(packetId);
      // Every third is acknowledged, so that identifiers become free in between.
      if (count % 3 !== 0) continue;
      inFlight.delete(packetId);
      client.sendAck(qos === 1 ? 'puback' : 'pubrec', packetId);
      if (qos === 1) continue;
      await client.expect('pubrel');
      client.sendAck('pubcomp', packetId);
    }
  });

  test(`${first}, but an identifier and QoS ${qos}`, async () => {
    const topic = unique('topic');
    await using client = await connect();
    await client.subscribe(topic);
    await client.publish(topic, 'message', { qos });
    const packet = await client.expect('publish');
    assert.deepEqual([packet.qos, packet.packetId > 0, packet.duplicate], [qos, true, false]);
  });
}

test('[MQTT-4.3.2-4] PUBACK has the identifier of the PUBLISH, whatever it is, and the message is delivered', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  for (const packetId of [1, 0x100, 0xffff]) {
    client.sendPublish(topic, String(packetId), { qos: 1, packetId });
    assert.equal((await client.expect('puback')).packetId, packetId);
    assert.equal(await subscriber.expectPayload(), String(packetId));
  }
});

test('[MQTT-4.3.2-5] after PUBACK the same identifier means a new message, with DUP and without', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  for (const [text, duplicate] of [
    ['1', false],
    ['2', true],
    ['3', false],
  ] as const)
    await client.publish(topic, text, { qos: 1, packetId: 7, duplicate });
  await client.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), ['1', '2', '3']);
});

test('[MQTT-4.3.3-4] PUBREC is answered with a PUBREL of the same identifier', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const text of ['1', '2', '3']) await client.publish(topic, text, { qos: 2 });
  const identifiers: number[] = [];
  for (let count = 0; count < 3; count += 1) identifiers.push((await client.expect('publish')).packetId);
  for (const packetId of identifiers) {
    client.sendAck('pubrec', packetId);
    const release = await client.expect('pubrel');
    assert.deepEqual([release.packetId, release.reasonCode], [packetId, 0]);
  }
});

test('[MQTT-4.3.3-8] PUBREC has the identifier of the PUBLISH', async () => {
  const topic = unique('topic');
  await using client = await connect();
  for (const packetId of [1, 0x100, 0xffff]) {
    client.sendPublish(topic, 'message', { qos: 2, packetId });
    assert.equal((await client.expect('pubrec')).packetId, packetId);
  }
});

test('[MQTT-4.3.3-10] until PUBREL a PUBLISH of the same identifier is answered with PUBREC and not delivered again', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  // A client repeats only on a new connection [MQTT-4.4.0-1].
  for (const duplicate of [false, true, true]) {
    await using client = await connect({ clientId, properties, cleanStart: !duplicate });
    client.sendPublish(topic, 'once', { qos: 2, packetId: 9, duplicate });
    assert.equal((await client.expect('pubrec')).packetId, 9);
  }
  await using after = await connect({ clientId, properties, cleanStart: false });
  after.sendAck('pubrel', 9);
  await after.expect('pubcomp');
  await after.publish(topic, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), ['once']);
});

test('[MQTT-4.3.3-11] PUBREL is answered with a PUBCOMP of the same identifier, every time', async () => {
  await using client = await connect();
  const packetId = client.sendPublish(unique('topic'), 'message', { qos: 2, packetId: 0x1234 });
  await client.expect('pubrec');
  for (let count = 0; count < 2; count += 1) {
    client.sendAck('pubrel', packetId);
    assert.equal((await client.expect('pubcomp')).packetId, packetId);
  }
});

test('[MQTT-4.3.3-12] after PUBCOMP the same identifier means a new message', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  for (const text of ['1', '2', '3']) await client.publish(topic, text, { qos: 2, packetId: 7 });
  await client.publish(topic, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), ['1', '2', '3']);
});
