import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Qos } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';

const { test, connect, unique } = conformance('5.0');

/** A client whose session outlives its connections, with these messages sent to it and not answered yet. */
async function receiving(
  qos: Qos,
  texts: readonly string[],
): Promise<{ client: RawClient; reconnect: () => Promise<RawClient> }> {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  const client = await connect({ clientId, properties });
  await client.subscribe(topic);
  await using publisher = await connect();
  for (const text of texts) await publisher.publish(topic, text, { qos });
  const reconnect = async (): Promise<RawClient> => {
    await client.drop();
    return connect({ clientId, properties, cleanStart: false });
  };
  return { client, reconnect };
}

for (const [name, qos, answer] of [
  ['[MQTT-4.3.2-3] what has no PUBACK is sent again on the next connection', 1, 'puback'],
  ['[MQTT-4.3.3-3] what has no PUBREC is sent again on the next connection', 2, 'pubrec'],
] as const)
  test(`${name}, under its identifier; what has one is not`, async () => {
    const { client, reconnect } = await receiving(qos, ['1', '2', '3']);
    const sent = [await client.expect('publish'), await client.expect('publish'), await client.expect('publish')];
    client.sendAck(answer, sent[1]!.packetId);
    if (qos === 2) {
      await client.expect('pubrel');
      client.sendAck('pubcomp', sent[1]!.packetId);
    }
    await client.expectNothing();
    await using after = await reconnect();
    for (const original of [sent[0]!, sent[2]!]) {
      const again = await after.expect('publish');
      assert.deepEqual([payloadOf(again), again.packetId], [payloadOf(original), original.packetId]);
    }
    await after.expectNothing();
  });

test('[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL is sent again until PUBCOMP, and the PUBLISH before it is not', async () => {
  const { client, reconnect } = await receiving(2, ['message']);
  const { packetId } = await client.expect('publish');
  client.sendAck('pubrec', packetId);
  await client.expect('pubrel');
  await using after = await reconnect();
  assert.equal((await after.expect('pubrel')).packetId, packetId);
  await after.expectNothing();
  after.sendAck('pubcomp', packetId);
  await after.expectNothing();
});

test('[MQTT-4.3.3-5] what has its PUBCOMP is not sent again in any form', async () => {
  const { client, reconnect } = await receiving(2, ['message']);
  await client.receive();
  await client.expectNothing();
  await using after = await reconnect();
  await after.expectNothing();
});

test('[MQTT-4.4.0-1] PUBLISH and PUBREL are sent again on reconnecting, and not while the connection lasts', async () => {
  const { client, reconnect } = await receiving(2, ['released', 'sent']);
  const [released, sent] = [await client.expect('publish'), await client.expect('publish')];
  client.sendAck('pubrec', released.packetId);
  await client.expect('pubrel');
  await sleep(2000);
  await client.expectNothing();
  await using after = await reconnect();
  const again = [await after.next(), await after.next()].map(
    (packet) => `${packet.type} ${'packetId' in packet && packet.packetId}`,
  );
  assert.deepEqual(again.toSorted(), [`publish ${sent.packetId}`, `pubrel ${released.packetId}`]);
  await after.expectNothing();
});

for (const [qos, answer] of [
  [1, 'puback'],
  [2, 'pubrec'],
] as const)
  test(`[MQTT-4.4.0-2] QoS ${qos}: what the client refused is not sent again`, async () => {
    const { client, reconnect } = await receiving(qos, ['refused', 'other']);
    const [refused, other] = [await client.expect('publish'), await client.expect('publish')];
    client.sendAck(answer, refused.packetId, ReasonCode.unspecifiedError);
    await client.expectNothing();
    await using after = await reconnect();
    assert.equal((await after.expect('publish')).packetId, other.packetId);
    await after.expectNothing();
  });

for (const qos of [1, 2] as const)
  test(`[MQTT-4.5.0-1] QoS ${qos}: what is acknowledged reaches every session that subscribed, connected or not`, async () => {
    const topic = unique('topic');
    const absent = { clientId: unique(), properties: { sessionExpiryInterval: 60 } };
    await using leaver = await connect(absent);
    await leaver.subscribe(`${topic}/+`);
    await leaver.disconnect();
    await using present = await connect();
    await present.subscribe(`${topic}/#`);
    await using publisher = await connect();
    await publisher.publish(`${topic}/a`, 'message', { qos });
    assert.equal(payloadOf(await present.receive()), 'message');
    await using back = await connect({ ...absent, cleanStart: false });
    assert.equal(payloadOf(await back.receive()), 'message');
  });
