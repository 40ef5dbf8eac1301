import assert from 'node:assert/strict';
import type { Packet } from '../../../src/mqtt/packets.ts';
import { type Conformance, type ConformanceConnect, conformance } from '../support/conformance.ts';

const everyBroker = conformance('5.0');
const ours = conformance('5.0', {
  'mqtt.response_information': 'reply/%c/',
  'authorization.rules.0.permission': 'allow',
  'authorization.rules.0.action': 'all',
  'authorization.rules.0.topics': 'open/#',
});
const { test } = everyBroker;

async function responseInformation({ connect }: Conformance, properties: ConformanceConnect['properties']) {
  await using client = await connect({ properties: properties ?? {} });
  return client.connack.properties.responseInformation;
}

for (const properties of [{}, { requestResponseInformation: 0 }]) {
  const asked = JSON.stringify(properties);
  test(`[MQTT-3.1.2-28] no Response Information with ${asked}`, async () => {
    assert.equal(await responseInformation(everyBroker, properties), undefined);
  });

  ours.test(`[MQTT-3.1.2-28] no Response Information with ${asked}, although there is some`, async () => {
    assert.notEqual(await responseInformation(ours, { requestResponseInformation: 1 }), undefined);
    assert.equal(await responseInformation(ours, properties), undefined);
  });
}

/** Of everything that may be refused or not be there, the answers of the server. */
async function answers({ connect, unique }: Conformance, requestProblemInformation: number): Promise<Packet[]> {
  const topic = unique('closed');
  await using client = await connect({ properties: { requestProblemInformation } });
  client.sendPublish(topic, 'message', { qos: 1 });
  const puback = await client.take('puback');
  client.sendPublish(topic, 'message', { qos: 2 });
  const pubrec = await client.take('pubrec');
  client.sendAck('pubrel', 1000);
  const pubcomp = await client.take('pubcomp');
  const suback = await client.subscribe([topic, `open/${topic}`]);
  const unsuback = await client.unsubscribe(unique('never'));
  await client.publish(`open/${topic}`, 'message', { qos: 2 });
  const packets: Packet[] = [puback, pubrec, pubcomp, suback, unsuback];
  client.sendAck('pubrec', (await client.take('publish')).packetId);
  packets.push(await client.take('pubrel'));
  return packets;
}

function isWorded(packet: Packet): boolean {
  if (!('properties' in packet)) return false;
  return 'reasonString' in packet.properties || 'userProperties' in packet.properties;
}

test('[MQTT-3.1.2-29] no acknowledgement has words for a client that wants none', async () => {
  assert.deepEqual((await answers(everyBroker, 0)).filter(isWorded), []);
});

ours.test('[MQTT-3.1.2-29] no refusal has words for a client that wants none, although there are some', async () => {
  assert((await answers(ours, 1)).some(isWorded));
  assert.deepEqual((await answers(ours, 0)).filter(isWorded), []);
});
