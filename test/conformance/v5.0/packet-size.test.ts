import assert from 'node:assert/strict';
import { encodedSize } from '../../../src/mqtt/codec/encode-packet.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { publishPacket } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, nextOrEnd, publishesBefore, textsBefore } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('5.0');
const LIMIT = 200;
/** More than this is too much for a test to send. */
const MOST_TO_SEND = 8_000_000;

/** A PUBLISH of QoS 0 has this size with so long a payload. */
function payloadOfSize(size: number, topic: string, packetIdBytes = 0): string {
  const packet = publishPacket(topic, 'x'.repeat(size), {}, () => 0);
  return 'x'.repeat(2 * size - encodedSize(packet, 5) - packetIdBytes);
}

test('[MQTT-3.1.2-24] messages as large as the client takes are sent, larger ones are not', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await using client = await connect({ properties: { maximumPacketSize: LIMIT } });
  await client.subscribe(topic);
  for (const [qos, packetIdBytes] of [
    [0, 0],
    [1, 2],
    [2, 2],
  ] as const) {
    const [largest, larger] = [LIMIT, LIMIT + 1].map((size) => payloadOfSize(size, topic, packetIdBytes));
    await publisher.publish(topic, larger!, { qos });
    await publisher.publish(topic, largest!, { qos });
    await publisher.publish(topic, 'end', { qos: 1 });
    assert.deepEqual(
      (await publishesBefore(client, 'end')).map((packet) => encodedSize(packet, 5)),
      [LIMIT],
    );
  }
});

test('[MQTT-3.1.2-24] no answer is larger than the client takes', async () => {
  const filters = Array.from({ length: LIMIT }, () => unique('topic'));
  await using client = await connect({ properties: { maximumPacketSize: LIMIT } });
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const subscriptions = filters.map((filter) => ({ filter, ...options }));
  client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
  client.send({ type: 'unsubscribe', packetId: 2, filters, properties: {} });
  client.send({ type: 'pingreq' });
  const packet = await nextOrEnd(client);
  assert(packet === undefined || encodedSize(packet, 5) <= LIMIT);
});

for (const qos of [1, 2] as const) {
  test(`[MQTT-3.1.2-25] QoS ${qos}: a message that is too large takes no place of those that fit`, async () => {
    const topic = unique('topic');
    await using publisher = await connect();
    await using client = await connect({ properties: { maximumPacketSize: LIMIT, receiveMaximum: 1 } });
    await client.subscribe(topic);
    for (let count = 0; count < 3; count++) await publisher.publish(topic, 'x'.repeat(LIMIT), { qos });
    for (const text of ['fits', 'end']) await publisher.publish(topic, text, { qos });
    assert.deepEqual(await textsBefore(client, 'end'), ['fits']);
  });

  test(`[MQTT-3.1.2-25] QoS ${qos}: a message that was too large is done with, also for a connection that would take it`, async () => {
    const [clientId, topic] = [unique('c'), unique('topic')];
    const properties = { sessionExpiryInterval: 60 };
    await using publisher = await connect();
    await using narrow = await connect({ clientId, properties: { ...properties, maximumPacketSize: LIMIT } });
    await narrow.subscribe(topic);
    await publisher.publish(topic, 'x'.repeat(LIMIT), { qos });
    await publisher.publish(topic, 'fits', { qos });
    assert.deepEqual(await textsBefore(narrow, 'fits'), []);
    await narrow.disconnect();
    await using wide = await connect({ clientId, properties, cleanStart: false });
    await publisher.publish(topic, 'end', { qos });
    assert.deepEqual(await textsBefore(wide, 'end'), []);
  });
}

test('[MQTT-3.2.2-15] a packet as large as the server takes is taken, and a larger one ends the connection', async (context) => {
  const topic = unique('topic');
  await using client = await connect();
  const { maximumPacketSize = Number.POSITIVE_INFINITY } = client.connack.properties;
  if (maximumPacketSize > MOST_TO_SEND) return context.skip(`the server takes ${maximumPacketSize} bytes`);
  client.sendPublish(topic, payloadOfSize(maximumPacketSize, topic));
  await client.expectNothing();
  client.sendPublish(topic, payloadOfSize(maximumPacketSize + 1, topic));
  await expectRefusal(client, ReasonCode.packetTooLarge);
});

test('[MQTT-3.2.2-19] [MQTT-3.2.2-20] CONNACK explains a refusal only where the client’s Maximum Packet Size has room', async () => {
  for (let maximumPacketSize = 5; maximumPacketSize < 100; maximumPacketSize += 3) {
    await using client = await open();
    client.sendConnect({ properties: { authenticationMethod: unique('unknown'), maximumPacketSize } });
    const packet = await nextOrEnd(client);
    if (packet === undefined) continue;
    assert.equal(packet.type, 'connack');
    assert(encodedSize(packet, 5) <= maximumPacketSize, `${encodedSize(packet, 5)} > ${maximumPacketSize}`);
  }
});
