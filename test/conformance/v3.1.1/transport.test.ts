import assert from 'node:assert/strict';
import { conformance } from '../support/conformance.ts';

const { test, connect, unique } = conformance('3.1.1');

test('[MQTT-7.0.0-2] [MQTT-7.1.1-1] a client that knows the specification and TCP alone is served', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const qos of [0, 1, 2] as const) {
    await client.publish(topic, 'message', { qos });
    assert.equal((await client.receive()).qos, qos);
  }
  await client.unsubscribe(topic);
  await client.disconnect();
});
