import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('5.0');

test('[MQTT-4.12.0-1] a method that the server does not know may be answered with 0x8C or 0x87, and is the end', async () => {
  await using client = await open();
  const authenticationData = Buffer.from('data');
  client.sendConnect({ properties: { authenticationMethod: unique('unknown'), authenticationData } });
  await expectRejection(client, ReasonCode.badAuthenticationMethod, ReasonCode.notAuthorized);
});

test('[MQTT-4.12.0-6] a client that names no method is sent no AUTH, and told of no method', async () => {
  const topic = unique('topic');
  for (const credentials of [{}, { userName: 'user', password: Buffer.from('password') }]) {
    // Only a CONNACK may come first.
    await using client = await connect(credentials);
    assert.equal(client.connack.properties.authenticationMethod, undefined);
    assert.equal(client.connack.properties.authenticationData, undefined);
    await client.subscribe(topic);
    await client.publish(topic, 'message', { qos: 1 });
    await client.receive();
    await client.expectNothing();
  }
});

for (const [what, reasonCode] of [
  ['continue', ReasonCode.continueAuthentication],
  ['begin anew', ReasonCode.reAuthenticate],
] as const)
  test(`[MQTT-4.12.0-7] [MQTT-4.12.0-6] AUTH to ${what} from a client that named no method is an error`, async () => {
    await using client = await connect();
    client.sendBytes(frame(0xf0, reasonCode, 16, 0x15, field('SCRAM-SHA-256')));
    await expectRefusal(client, ReasonCode.protocolError, ReasonCode.badAuthenticationMethod, ReasonCode.notAuthorized);
  });

for (const reasonCode of [0x01, 0x17, 0x1a, 0x80, 0x87])
  test(`[MQTT-3.15.2-1] an AUTH with 0x${reasonCode.toString(16)} ends the connection`, async () => {
    await using client = await connect();
    client.sendBytes(frame(0xf0, reasonCode, 16, 0x15, field('SCRAM-SHA-256')));
    await expectRefusal(client, ReasonCode.protocolError, ReasonCode.malformedPacket);
  });
