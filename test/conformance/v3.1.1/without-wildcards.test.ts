import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';

const { test, connect, unique } = conformance('3.1.1', { 'mqtt.wildcard_subscription_available': false });

test('[MQTT-3.8.3-2] a server without wildcards rejects filters that hold them', async () => {
  const topic = unique('topic');
  await using client = await connect();
  const { reasonCodes } = await client.subscribe([topic, `${topic}/+`, `${topic}/#`]);
  assert.deepEqual(reasonCodes, [ReasonCode.grantedQos2, ReasonCode.unspecifiedError, ReasonCode.unspecifiedError]);
  await client.publish(`${topic}/a`, 'message', { qos: 1 });
  await client.expectNothing();
});
