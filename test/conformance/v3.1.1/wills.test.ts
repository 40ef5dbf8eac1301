import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Qos, Will } from '../../../src/mqtt/packets.ts';
import { payloadOf } from '../../support/raw-client.ts';
import { frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

function willTo(topic: string, options: Partial<Will> = {}): Will {
  return { topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: {}, ...options };
}

test('[MQTT-3.1.2-8] a will is published when the network is gone', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await connect({ will: willTo(topic) });
  await client.drop();
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-8] a will is published when the server closes after an error', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await connect({ will: willTo(topic) });
  client.sendBytes(frame(0xf1));
  await client.expectClose();
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-8] a will is published when the keep alive has passed', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await connect({ will: willTo(topic), keepAliveSeconds: 1 });
  await client.expectClose();
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-8] a will is published when another connection takes the identifier', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using first = await connect({ clientId, will: willTo(topic) });
  await using _second = await connect({ clientId });
  await first.expectClose();
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-10] a will that was published is published once', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using first = await connect({ clientId, cleanStart: false, will: willTo(topic) });
  await first.drop();
  assert.equal(await watcher.expectPayload(), 'gone');
  await using second = await connect({ clientId, cleanStart: false });
  await second.drop();
  await delay(100);
  await watcher.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(watcher, 'end'), []);
});

test('[MQTT-3.1.2-10] [MQTT-3.14.4-3] a will is discarded with DISCONNECT', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using first = await connect({ clientId, cleanStart: false, will: willTo(topic) });
  await first.disconnect();
  await using second = await connect({ clientId, cleanStart: false });
  await second.drop();
  await delay(100);
  await watcher.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(watcher, 'end'), []);
});

test('[MQTT-3.1.2-12] without a will flag nothing is published', async () => {
  const [clientId, prefix] = [unique('c'), unique('will')];
  await using watcher = await connect();
  await watcher.subscribe(`${prefix}/#`);
  await using first = await connect({ clientId, will: willTo(`${prefix}/a`) });
  await first.disconnect();
  await using second = await connect({ clientId });
  await second.drop();
  await delay(100);
  await watcher.publish(`${prefix}/b`, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(watcher, 'end'), []);
});

for (const qos of [0, 1, 2] as const) {
  test(`[MQTT-3.1.2-16] QoS ${qos}: a will with will retain 0 is not retained`, async () => {
    assert.deepEqual(await retainedAfterWill(qos, false), []);
  });

  test(`[MQTT-3.1.2-17] QoS ${qos}: a will with will retain 1 is retained`, async () => {
    assert.deepEqual(await retainedAfterWill(qos, true), ['gone']);
  });
}

/** What a new subscriber finds after a will with these flags was published. */
async function retainedAfterWill(qos: Qos, retain: boolean): Promise<string[]> {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await connect({ will: willTo(topic, { qos, retain }) });
  await client.drop();
  const packet = await watcher.receive();
  assert.deepEqual([payloadOf(packet), packet.qos], ['gone', qos]);
  await using later = await connect();
  await later.subscribe(topic);
  await later.publish(topic, 'end', { qos: 1 });
  return await textsBefore(later, 'end');
}
