import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { bytes, connectFrame5, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { answerTo, expectRejection, nextOrEnd } from '../support/exchange.ts';

const { test, open, connect, address, unique } = conformance('5.0');
const UNKNOWN_METHOD = [ReasonCode.badAuthenticationMethod, ReasonCode.notAuthorized];

function sendUnknownMethod(client: RawClient, clientId: string): void {
  client.sendConnect({ clientId, cleanStart: false, properties: { authenticationMethod: unique('unknown') } });
}

for (const sessionPresent of [0, 1])
  test(`[MQTT-3.2.2-1] the flags of CONNACK are session present (here ${sessionPresent}) and seven bits of 0`, async () => {
    const clientId = unique('c');
    const properties = { sessionExpiryInterval: 60 };
    await using before = await connect({ clientId, properties: sessionPresent === 1 ? properties : {} });
    await before.disconnect();
    const answer = await answerTo(address(), bytes(connectFrame5({ flags: 0 }, field(clientId)), frame(0xe0)));
    assert.deepEqual([answer[0], answer[2], answer[3]], [0x20, sessionPresent, ReasonCode.success]);
  });

test('[MQTT-3.2.0-1] a session that goes on begins with CONNACK, whatever waits to be sent', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  const properties = { sessionExpiryInterval: 60 };
  await using before = await connect({ clientId, properties });
  await before.subscribe(topic);
  for (const qos of [1, 2] as const) await before.publish(topic, 'message', { qos });
  await before.drop();
  await using after = await open();
  after.sendConnect({ clientId, cleanStart: false });
  after.send({ type: 'pingreq' });
  assert.equal((await after.expect('connack')).reasonCode, ReasonCode.success);
  await after.take('pingresp');
});

test('[MQTT-3.2.0-2] one CONNACK is all, whatever else the client sends', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(topic);
  for (const qos of [0, 1, 2] as const) await client.publish(topic, 'message', { qos });
  for (const _ of [0, 1, 2]) await client.receive();
  await client.expectNothing();
  client.send({ type: 'disconnect', reasonCode: 0, properties: {} });
  assert.equal(await nextOrEnd(client), undefined);
});

test('[MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-4.13.2-1] a refusal has no session present, although there is one, and is the end', async () => {
  const clientId = unique('c');
  await using before = await connect({ clientId, properties: { sessionExpiryInterval: 60 } });
  await before.disconnect();
  await using refused = await open();
  sendUnknownMethod(refused, clientId);
  await expectRejection(refused, ...UNKNOWN_METHOD);
  // And of no consequence for the session.
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
});

test('[MQTT-4.13.2-1] a connection that is refused does not end that of a client with the same identifier', async () => {
  const clientId = unique('c');
  await using connected = await connect({ clientId });
  await using refused = await open();
  sendUnknownMethod(refused, clientId);
  await expectRejection(refused, ...UNKNOWN_METHOD);
  await connected.expectNothing();
});

// The decoder of the tests refuses codes that are not for CONNACK; these are those that fit.
for (const [what, sent, reasonCodes] of [
  ['no CONNECT that can be read', connectFrame5({ flags: 0x03 }, field('c')), [ReasonCode.malformedPacket]],
  ['a property twice', connectFrame5({ properties: bytes(0x19, 1, 0x19, 1) }, field('c')), [ReasonCode.protocolError]],
  [
    'a will to many topics',
    connectFrame5({ flags: 0x06 }, field('c'), 0, field('will/#'), field('payload')),
    [ReasonCode.topicNameInvalid],
  ],
] as const)
  test(`[MQTT-3.2.2-7] [MQTT-3.2.2-8] [MQTT-3.14.0-1] refused for ${what}: a code of CONNACK and the end, or just the end`, async () => {
    await using client = await open();
    client.sendBytes(sent);
    await expectRejection(client, ReasonCode.malformedPacket, ReasonCode.protocolError, ...reasonCodes);
  });
