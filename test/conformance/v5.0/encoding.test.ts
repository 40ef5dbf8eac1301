import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('5.0');
/** On either side of each length of a Variable Byte Integer. */
const EDGES = [127, 128, 16_383, 16_384];
const NOT_WHOLE = [ReasonCode.malformedPacket, ReasonCode.protocolError, ReasonCode.topicFilterInvalid];

// The decoder of the tests refuses integers that are longer than they need to be: every packet that it takes shows that
// its lengths are of the fewest bytes, and that a length of its properties is there.

test('[MQTT-1.5.5-1] remaining lengths from the server are encoded in the fewest bytes', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0 });
  const around = EDGES.flatMap((edge) => [-1, 0, 1].map((step) => edge + step - topic.length - 3));
  for (const size of around) {
    client.sendPublish(topic, 'x'.repeat(size));
    assert.equal((await client.expect('publish')).payload.length, size);
  }
});

test('[MQTT-1.5.5-1] property lengths from the server are encoded in the fewest bytes', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe({ filter: topic, qos: 0 });
  for (const size of EDGES.flatMap((edge) => [-6, -5, -4].map((step) => edge + step))) {
    const properties = { userProperties: [['', 'x'.repeat(size)]] } as const;
    client.sendPublish(topic, 'message', { properties });
    assert.deepEqual({ ...(await client.expect('publish')).properties }, properties);
  }
});

test('[MQTT-1.5.5-1] subscription identifiers from the server are encoded in the fewest bytes', async (context) => {
  const topic = unique('topic');
  await using client = await connect();
  if (client.connack.properties.subscriptionIdentifierAvailable === 0) return context.skip('the server takes none');
  for (const subscriptionIdentifier of [1, ...EDGES, 2_097_151, 2_097_152, 268_435_455]) {
    await client.subscribe({ filter: topic, qos: 0 }, { subscriptionIdentifier });
    client.sendPublish(topic, 'message');
    const { properties } = await client.expect('publish');
    assert.deepEqual(properties.subscriptionIdentifiers, [subscriptionIdentifier]);
  }
});

test('[MQTT-2.2.2-1] what has no properties says so: CONNACK, PUBLISH, SUBACK and UNSUBACK of the server', async () => {
  const topic = unique('topic');
  await using client = await connect();
  assert.deepEqual({ ...(await client.subscribe(topic)).properties }, {});
  client.sendPublish(topic, '');
  assert.deepEqual(await client.expect('publish'), {
    ...{ type: 'publish', topic, payload: new Uint8Array(0), qos: 0, retain: false, duplicate: false, packetId: 0 },
    properties: {},
  });
  assert.deepEqual({ ...(await client.unsubscribe(topic)).properties }, {});
});

test('[MQTT-2.2.2-1] a CONNECT without a property length is refused', async () => {
  await using client = await open();
  client.sendBytes(frame(0x10, field('MQTT'), 5, 2, 0, 0, field(unique('c'))));
  await expectRejection(client, ...NOT_WHOLE);
});

for (const [packet, sent] of Object.entries({
  PUBLISH: frame(0x30, field('topic'), 'payload'),
  SUBSCRIBE: frame(0x82, 0, 1, field('filter'), 0),
  UNSUBSCRIBE: frame(0xa2, 0, 1, field('filter')),
}))
  test(`[MQTT-2.2.2-1] ${packet} without a property length ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(sent);
    await expectRefusal(client, ...NOT_WHOLE);
  });
