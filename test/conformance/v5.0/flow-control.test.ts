import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

/** More than this a server may take whole; the specification's default is more than a test should send. */
const MOST_TO_SEND = 5000;

test('[MQTT-3.3.4-7] more unreleased messages than the server’s Receive Maximum end the connection', async (context) => {
  await using client = await connect();
  const { receiveMaximum = 65_535 } = client.connack.properties;
  if (receiveMaximum > MOST_TO_SEND) return context.skip(`the server takes ${receiveMaximum}`);
  const topic = unique('topic');
  const within = Array.from({ length: receiveMaximum }, () => client.sendPublish(topic, 'message', { qos: 2 }));
  for (const _ of within) await client.expect('pubrec');
  await client.expectNothing();
  client.sendPublish(topic, 'message', { qos: 2 });
  await expectRefusal(client, ReasonCode.receiveMaximumExceeded);
});

test('[MQTT-3.3.4-7] a client that releases its messages may send more than the Receive Maximum', async (context) => {
  await using client = await connect();
  const { receiveMaximum = 65_535 } = client.connack.properties;
  if (receiveMaximum > MOST_TO_SEND) return context.skip(`the server takes ${receiveMaximum}`);
  const topic = unique('topic');
  for (let sent = 0; sent <= receiveMaximum; sent += 10) {
    const packets = Array.from({ length: 10 }, () => client.sendPublish(topic, 'message', { qos: 2 }));
    for (const packetId of packets) {
      await client.take('pubrec');
      client.sendAck('pubrel', packetId);
    }
    for (const _ of packets) await client.expect('pubcomp');
  }
  await client.expectNothing();
});

/** Frees one place: a PUBACK, or what stands for it at QoS 2. */
async function acknowledge(client: RawClient, qos: 1 | 2, packetId: number): Promise<void> {
  if (qos === 1) return client.sendAck('puback', packetId);
  client.sendAck('pubrec', packetId);
  await client.take('pubrel');
  // PUBREC alone frees no place.
  await client.expectNothing();
  client.sendAck('pubcomp', packetId);
}

for (const qos of [1, 2] as const)
  for (const receiveMaximum of [1, 3])
    test(`[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] QoS ${qos}: ${receiveMaximum} messages at once and no more`, async () => {
      const topic = unique('topic');
      await using client = await connect({ properties: { receiveMaximum } });
      await client.subscribe(topic);
      await using publisher = await connect();
      const texts = ['1', '2', '3', '4', '5', '6', '7'];
      for (const text of texts) await publisher.publish(topic, text, { qos });
      const inFlight: number[] = [];
      for (const text of texts) {
        if (inFlight.length === receiveMaximum) {
          await client.expectNothing();
          await acknowledge(client, qos, inFlight.shift()!);
        }
        const packet = await client.expect('publish');
        assert.equal(payloadOf(packet), text);
        inFlight.push(packet.packetId);
      }
    });

test('[MQTT-3.3.4-9] [MQTT-4.9.0-2] QoS 1 and 2 share the quota, which a refused PUBREC frees', async () => {
  const topic = unique('topic');
  await using client = await connect({ properties: { receiveMaximum: 2 } });
  await client.subscribe(topic);
  await using publisher = await connect();
  for (const qos of [1, 2, 1, 2] as const) await publisher.publish(topic, 'message', { qos });
  const [confirmed, received] = [await client.expect('publish'), await client.expect('publish')];
  assert.deepEqual([confirmed.qos, received.qos].toSorted(), [1, 2]);
  await client.expectNothing();
  const refused = received.qos === 2 ? received : confirmed;
  client.sendAck('pubrec', refused.packetId, ReasonCode.unspecifiedError);
  await client.expect('publish');
  await client.expectNothing();
});

test('[MQTT-4.9.0-1] the quota is whole again on a new connection', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60, receiveMaximum: 2 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await using publisher = await connect();
  for (const text of ['1', '2', '3']) await publisher.publish(topic, text, { qos: 1 });
  for (const text of ['1', '2']) assert.equal(await before.expectPayload(), text);
  await before.drop();
  const wider = { sessionExpiryInterval: 60, receiveMaximum: 3 };
  await using after = await connect({ clientId, properties: wider, cleanStart: false });
  for (const text of ['1', '2', '3']) assert.equal(await after.expectPayload(), text);
});

test('[MQTT-3.3.4-10] [MQTT-4.9.0-3] with no quota left the server answers everything else', async () => {
  const topic = unique('topic');
  await using client = await connect({ properties: { receiveMaximum: 1 } });
  await client.subscribe(topic);
  await using publisher = await connect();
  for (const text of ['1', '2']) await publisher.publish(topic, text, { qos: 1 });
  await client.expect('publish');
  await client.expectNothing();
  const other = unique('topic');
  client.sendPublish(other, 'message', { qos: 1 });
  await client.expect('puback');
  const packetId = client.sendPublish(other, 'message', { qos: 2 });
  await client.expect('pubrec');
  client.sendAck('pubrel', packetId);
  await client.expect('pubcomp');
  await client.subscribe(other);
  await client.unsubscribe(other);
  await client.expectNothing();
});
