import assert from 'node:assert/strict';
import type { Will } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { type Conformance, conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection } from '../support/exchange.ts';

const limited = conformance('5.0', {
  'mqtt.max_qos': 1,
  'mqtt.retain_available': false,
  'mqtt.topic_alias_maximum': 0,
  'mqtt.max_packet_size_bytes': 1000,
});
const { test, connect, unique } = limited;
const quick = conformance('5.0', { 'mqtt.max_qos': 0 });

async function rejectsWill({ open, unique }: Conformance, options: Partial<Will>, reason: ReasonCode): Promise<void> {
  const topic = unique('will');
  await using client = await open();
  const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false, properties: {}, ...options } as const;
  client.sendConnect({ will });
  await expectRejection(client, reason);
}

async function grantedQos({ connect, unique }: Conformance): Promise<readonly ReasonCode[]> {
  await using client = await connect();
  const subscriptions = ([0, 1, 2] as const).map((qos) => ({ filter: unique('topic'), qos }));
  return (await client.subscribe(subscriptions)).reasonCodes;
}

test('[MQTT-3.2.2-9] a server without QoS 2 says so', async () => {
  await using client = await connect();
  assert.equal(client.connack.properties.maximumQos, 1);
});

quick.test('[MQTT-3.2.2-9] a server without QoS 1 and 2 says so', async () => {
  await using client = await quick.connect();
  assert.equal(client.connack.properties.maximumQos, 0);
});

test('[MQTT-3.2.2-10] subscriptions at QoS 2 are still accepted, and get less', async () => {
  assert.deepEqual(await grantedQos(limited), [0, 1, 1]);
});

quick.test('[MQTT-3.2.2-10] subscriptions at QoS 1 and 2 are still accepted, and get less', async () => {
  assert.deepEqual(await grantedQos(quick), [0, 0, 0]);
});

test('[MQTT-3.2.2-11] a PUBLISH above the announced QoS ends the connection', async () => {
  await using client = await connect();
  client.sendPublish(unique('topic'), 'message', { qos: 2 });
  await expectRefusal(client, ReasonCode.qosNotSupported);
});

test('[MQTT-3.2.2-12] a will above the announced QoS is refused', () =>
  rejectsWill(limited, { qos: 2 }, ReasonCode.qosNotSupported));

quick.test('[MQTT-3.2.2-12] a will of QoS 1 is refused where there is none', () =>
  rejectsWill(quick, { qos: 1 }, ReasonCode.qosNotSupported),
);

test('[MQTT-3.2.2-13] a will to be retained is refused where nothing is', () =>
  rejectsWill(limited, { retain: true }, ReasonCode.retainNotSupported));

test('[MQTT-3.2.2-14] a PUBLISH to be retained ends the connection where nothing is', async () => {
  await using client = await connect();
  assert.equal(client.connack.properties.retainAvailable, 0);
  client.sendPublish(unique('topic'), 'message', { retain: true });
  await expectRefusal(client, ReasonCode.retainNotSupported);
});

test('[MQTT-3.2.2-15] a packet above the announced size ends the connection', async () => {
  await using client = await connect();
  assert.equal(client.connack.properties.maximumPacketSize, 1000);
  client.sendPublish(unique('topic'), 'x'.repeat(1000));
  await expectRefusal(client, ReasonCode.packetTooLarge);
});

test('[MQTT-3.2.2-18] any topic alias ends the connection where none is announced', async () => {
  await using client = await connect();
  assert.equal(client.connack.properties.topicAliasMaximum ?? 0, 0);
  client.sendPublish(unique('topic'), 'message', { properties: { topicAlias: 1 } });
  await expectRefusal(client, ReasonCode.topicAliasInvalid);
});
