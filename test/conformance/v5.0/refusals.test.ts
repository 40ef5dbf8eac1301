import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';
import { sendSubscribe, wordedAnswers } from '../support/worded-answers.ts';

const suite = conformance('5.0', {
  'authorization.rules.0.permission': 'deny',
  'authorization.rules.0.action': 'all',
  'authorization.rules.0.topics': 'forbidden/#',
  'authorization.rules.1.permission': 'allow',
  'authorization.rules.1.action': 'all',
  'authorization.rules.1.topics': '#',
});
const { test, connect, unique } = suite;
const FORBIDDEN = 'forbidden/topic';

for (const [name, answer, qos] of [
  ['[MQTT-3.4.2-1] PUBACK refuses with a code of its own', 'puback', 1],
  ['[MQTT-3.5.2-1] PUBREC refuses with a code of its own', 'pubrec', 2],
] as const)
  test(name, async () => {
    await using client = await connect();
    client.sendPublish(FORBIDDEN, 'message', { qos });
    assert.equal((await client.expect(answer)).reasonCode, ReasonCode.notAuthorized);
  });

test('[MQTT-3.4.2-2] PUBACK explains a refusal where the client’s Maximum Packet Size has room', async () => {
  assert((await wordedAnswers(suite, 'puback', (client) => client.sendPublish(FORBIDDEN, 'message', { qos: 1 }))) > 0);
});

test('[MQTT-3.5.2-2] PUBREC explains a refusal where the client’s Maximum Packet Size has room', async () => {
  assert((await wordedAnswers(suite, 'pubrec', (client) => client.sendPublish(FORBIDDEN, 'message', { qos: 2 }))) > 0);
});

test('[MQTT-3.9.2-1] SUBACK explains a refusal where the client’s Maximum Packet Size has room', async () => {
  assert((await wordedAnswers(suite, 'suback', (client) => sendSubscribe(client, FORBIDDEN))) > 0);
});

test('[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT explains an error where the client’s Maximum Packet Size has room', async () => {
  assert((await wordedAnswers(suite, 'disconnect', (client) => client.sendConnect({ clientId: 'c' }))) > 0);
});

test('[MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] SUBACK says of each filter in order whether it was refused', async () => {
  await using client = await connect();
  const { reasonCodes } = await client.subscribe([unique('topic'), FORBIDDEN, { filter: unique('topic'), qos: 0 }]);
  assert.deepEqual(reasonCodes, [ReasonCode.grantedQos2, ReasonCode.notAuthorized, ReasonCode.grantedQos0]);
});

test('[MQTT-4.3.3-9] after a refusing PUBREC the same identifier means a new message', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using subscriber = await connect();
  await subscriber.subscribe(topic);
  for (const text of ['1', '2']) {
    assert.equal(await client.publish(FORBIDDEN, 'message', { qos: 2, packetId: 7 }), ReasonCode.notAuthorized);
    await client.publish(topic, text, { qos: 2, packetId: 7 });
  }
  await client.publish(topic, 'end', { qos: 2 });
  assert.deepEqual(await textsBefore(subscriber, 'end'), ['1', '2']);
});
