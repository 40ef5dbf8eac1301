import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadOf } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
/** Long enough for an expiry of one second also where a server counts whole seconds. */
const MORE_THAN_A_SECOND_MS = 2100;

test('[MQTT-3.3.2-5] what expired while its subscriber was away is not delivered', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.disconnect();
  await using publisher = await connect();
  for (const qos of [1, 2] as const) {
    await publisher.publish(topic, `short ${qos}`, { qos, properties: { messageExpiryInterval: 1 } });
    await publisher.publish(topic, `long ${qos}`, { qos, properties: { messageExpiryInterval: 60 } });
    await publisher.publish(topic, `without ${qos}`, { qos });
  }
  await sleep(MORE_THAN_A_SECOND_MS);
  await using after = await connect({ clientId, properties, cleanStart: false });
  // Order is promised for messages of one QoS alone [MQTT-4.6.0-5], and QoS 2 may take longer.
  await publisher.publish(topic, 'end', { qos: 2 });
  assert.deepEqual((await textsBefore(after, 'end')).sort(), ['long 1', 'long 2', 'without 1', 'without 2']);
});

test('[MQTT-3.3.2-5] what expired as a retained message is not delivered', async () => {
  const topic = unique('topic');
  await using publisher = await connect();
  await publisher.publish(topic, 'short', { qos: 1, retain: true, properties: { messageExpiryInterval: 1 } });
  await sleep(MORE_THAN_A_SECOND_MS);
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  await publisher.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), []);
});

test('[MQTT-3.3.2-6] a delivered message has the time that is left of its expiry', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.disconnect();
  await using present = await connect();
  await present.subscribe(topic);
  const options = { qos: 1, retain: true, properties: { messageExpiryInterval: 1000 } } as const;
  await present.publish(topic, 'message', options);
  const { messageExpiryInterval: atOnce } = (await present.receive()).properties;
  assert(atOnce! >= 998 && atOnce! <= 1000, `${atOnce}`);
  await sleep(MORE_THAN_A_SECOND_MS);
  await using absent = await connect({ clientId, properties, cleanStart: false });
  await using late = await connect();
  await late.subscribe(topic);
  for (const client of [absent, late]) {
    const { messageExpiryInterval } = (await client.receive()).properties;
    // Whole seconds, rounded either way; at most some seconds more if the machine is slow.
    assert(messageExpiryInterval! >= 950 && messageExpiryInterval! <= 998, `${messageExpiryInterval}`);
  }
});

test('[MQTT-4.3.3-7] a QoS 2 message that has been sent is sent again although it has expired since', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  await before.publish(topic, 'short', { qos: 2, properties: { messageExpiryInterval: 1 } });
  const { packetId } = await before.expect('publish');
  await before.drop();
  await sleep(MORE_THAN_A_SECOND_MS);
  await using after = await connect({ clientId, properties, cleanStart: false });
  const again = await after.expect('publish');
  assert.deepEqual([payloadOf(again), again.packetId], ['short', packetId]);
});

test('[MQTT-4.3.3-13] the acknowledgements of a QoS 2 message go on after it has expired', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  const options = { qos: 2, properties: { messageExpiryInterval: 1 } } as const;
  await client.publish(topic, 'short', options);
  const { packetId } = await client.take('publish');
  const sent = client.sendPublish(unique('topic'), 'short', options);
  await client.expect('pubrec');
  await sleep(MORE_THAN_A_SECOND_MS);
  client.sendAck('pubrec', packetId);
  assert.equal((await client.expect('pubrel')).packetId, packetId);
  client.sendAck('pubcomp', packetId);
  client.sendAck('pubrel', sent);
  const completed = await client.expect('pubcomp');
  assert.deepEqual([completed.packetId, completed.reasonCode], [sent, 0]);
});
