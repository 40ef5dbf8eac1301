import assert from 'node:assert/strict';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1', {
  'authorization.rules.0.permission': 'deny',
  'authorization.rules.0.action': 'publish',
  'authorization.rules.0.topics': 'forbidden/#',
  'authorization.rules.1.permission': 'allow',
  'authorization.rules.1.action': 'all',
  'authorization.rules.1.topics': '#',
});

for (const qos of [1, 2] as const)
  test(`[MQTT-3.3.5-2] QoS ${qos}: what is not authorised is acknowledged like any other, or ends the connection`, async () => {
    const topic = `forbidden/${unique('topic')}`;
    await using watcher = await connect();
    await watcher.subscribe(topic);
    await using client = await connect();
    client.sendPublish(topic, 'message', { qos });
    const packet = await nextOrEnd(client);
    if (packet === undefined) await client.ended();
    else assert.equal(packet.type, qos === 1 ? 'puback' : 'pubrec');
    await watcher.expectNothing();
  });
