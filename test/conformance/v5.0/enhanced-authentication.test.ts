import assert from 'node:assert/strict';
import { after } from 'node:test';
import { deriveScramCredential, formatScramCredential } from '../../../src/broker/auth/scram-credential.ts';
import { encodedSize, encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import type { PropertiesOf } from '../../../src/mqtt/property.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { connectPacket, type RawClient } from '../../support/raw-client.ts';
import { ScramClient } from '../../support/scram-client.ts';
import { TestDirectory } from '../../support/test-settings.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection, frameOf, nextOrEnd } from '../support/exchange.ts';

const METHOD = 'SCRAM-SHA-256';
const [USER, PASSWORD] = ['alice', 'pencil'];
const OUT_OF_PLACE = [ReasonCode.protocolError, ReasonCode.badAuthenticationMethod, ReasonCode.notAuthorized];

const directory = await TestDirectory.create();
after(() => directory[Symbol.asyncDispose]());
const credential = formatScramCredential((await deriveScramCredential(PASSWORD, 4096))!);
const { test, open, unique } = conformance('5.0', {
  'authentication.scram_file': directory.write('scram', `${USER}:${credential}\n`),
  'authentication.failure_delay_ms': 0,
  'authentication.max_failures': 0,
  'authentication.max_failures_per_address': 0,
});

interface Exchange extends AsyncDisposable {
  readonly client: RawClient;
  readonly scram: ScramClient;
  /** The server's AUTH. */
  readonly challenge: Uint8Array;
}

/** An AUTH of the client. */
function sendAuth(client: RawClient, data: Uint8Array, reasonCode: number, method = METHOD): void {
  const properties = { authenticationMethod: method, authenticationData: data };
  client.send({ type: 'auth', reasonCode: reasonCode as ReasonCode, properties });
}

async function takeChallenge(client: RawClient): Promise<Uint8Array> {
  const { reasonCode, properties } = await client.expect('auth');
  assert.equal(reasonCode, ReasonCode.continueAuthentication);
  assert.equal(properties.authenticationMethod, METHOD);
  return properties.authenticationData!;
}

/** Up to the server's AUTH. */
async function begin(password = PASSWORD, properties: PropertiesOf<'connect'> = {}): Promise<Exchange> {
  const client = await open();
  const scram = new ScramClient(USER, password);
  const method = { authenticationMethod: METHOD, authenticationData: scram.first };
  client.sendConnect({ clientId: unique('c'), properties: { ...properties, ...method } });
  const challenge = await takeChallenge(client);
  return { client, scram, challenge, [Symbol.asyncDispose]: () => client.drop() };
}

async function connected(): Promise<RawClient> {
  const { client, scram, challenge } = await begin();
  sendAuth(client, scram.final(challenge), ReasonCode.continueAuthentication);
  const { reasonCode, properties } = await client.expect('connack');
  assert.equal(reasonCode, ReasonCode.success);
  assert.equal(properties.authenticationMethod, METHOD);
  assert(scram.trusts(properties.authenticationData));
  return client;
}

test('[MQTT-4.12.0-2] [MQTT-4.12.0-5] a server that wants more says so with AUTH 0x18, and names the method', async () => {
  await using exchange = await begin();
  assert(exchange.challenge.length > 0);
});

test('[MQTT-4.12.0-5] a CONNACK that says success names the method', async () => {
  await using client = await connected();
  await client.expectNothing();
});

for (const reasonCode of [ReasonCode.success, ReasonCode.reAuthenticate])
  test(`[MQTT-4.12.0-3] a client that goes on with AUTH 0x${reasonCode.toString(16)} is refused`, async () => {
    await using exchange = await begin();
    const { client, scram, challenge } = exchange;
    sendAuth(client, scram.final(challenge), reasonCode);
    await expectRejection(client, ...OUT_OF_PLACE);
  });

test('[MQTT-4.12.0-5] a client that goes on with another method is refused', async () => {
  await using exchange = await begin();
  const { client, scram, challenge } = exchange;
  sendAuth(client, scram.final(challenge), ReasonCode.continueAuthentication, 'SCRAM-SHA-1');
  await expectRejection(client, ...OUT_OF_PLACE);
});

test('[MQTT-4.12.0-4] [MQTT-3.1.4-2] a client that cannot prove who it is is refused', async () => {
  await using exchange = await begin('pen');
  const { client, scram, challenge } = exchange;
  sendAuth(client, scram.final(challenge), ReasonCode.continueAuthentication);
  await expectRejection(client, ReasonCode.notAuthorized);
});

test('[MQTT-4.12.0-4] [MQTT-3.1.4-2] a first word that means nothing is refused', async () => {
  await using client = await open();
  const authenticationData = Buffer.from('nonsense');
  client.sendConnect({ properties: { authenticationMethod: METHOD, authenticationData } });
  await expectRejection(client, ReasonCode.notAuthorized, ReasonCode.protocolError);
});

test('[MQTT-4.12.0-6] [MQTT-3.1.4-2] a client that names no method is refused, and sent no AUTH', async () => {
  await using client = await open();
  client.sendConnect({ userName: USER, password: Buffer.from(PASSWORD) });
  await expectRejection(client, ReasonCode.notAuthorized, ReasonCode.badUserNameOrPassword);
});

for (const [packet, sent] of Object.entries({
  PINGREQ: frame(0xc0),
  PUBLISH: frame(0x30, field('topic'), 0, 'payload'),
  SUBSCRIBE: frame(0x82, 0, 1, 0, field('filter'), 0),
  CONNECT: encodePacket(connectPacket({}), 5),
}))
  test(`[MQTT-3.1.2-30] [MQTT-3.14.0-1] ${packet} before the end of the exchange ends the connection, without a DISCONNECT`, async () => {
    await using exchange = await begin();
    exchange.client.sendBytes(sent);
    await expectRejection(exchange.client, ...OUT_OF_PLACE);
  });

test('[MQTT-3.1.2-30] a client may give up the exchange with DISCONNECT', async () => {
  await using exchange = await begin();
  exchange.client.send({ type: 'disconnect', reasonCode: 0, properties: {} });
  await exchange.client.expectClose();
});

test('[MQTT-3.1.4-6] AUTH is processed before CONNECT is accepted, and nothing behind a refusal', async () => {
  const topic = unique('topic');
  await using watcher = await connected();
  await watcher.subscribe(topic);
  await using exchange = await begin('pen');
  const { client, scram, challenge } = exchange;
  sendAuth(client, scram.final(challenge), ReasonCode.continueAuthentication);
  client.sendPublish(topic, 'refused');
  await expectRejection(client, ReasonCode.notAuthorized);
  await watcher.publish(topic, 'end', { qos: 1 });
  assert.equal(await watcher.expectPayload(), 'end');
});

for (const flags of [1, 2, 4, 8])
  test(`[MQTT-3.15.1-1] an AUTH with the reserved flags ${flags} is malformed, although all else is right`, async () => {
    await using exchange = await begin();
    const { client, scram, challenge } = exchange;
    const properties = { authenticationMethod: METHOD, authenticationData: scram.final(challenge) };
    const packet = frameOf(client, { type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties });
    packet[0]! |= flags;
    client.sendBytes(packet);
    await expectRejection(client, ReasonCode.malformedPacket, ReasonCode.protocolError);
  });

test('[MQTT-3.15.2-2] [MQTT-3.15.2-3] an AUTH is no larger than the client takes', async () => {
  let challenged = 0;
  for (let maximumPacketSize = 5; maximumPacketSize < 200; maximumPacketSize += 5) {
    await using client = await open();
    const { first } = new ScramClient(USER, PASSWORD);
    client.sendConnect({
      properties: { authenticationMethod: METHOD, authenticationData: first, maximumPacketSize },
    });
    const packet = await nextOrEnd(client);
    if (packet === undefined) continue;
    assert(encodedSize(packet, 5) <= maximumPacketSize);
    if (packet.type === 'auth') challenged += 1;
  }
  assert(challenged > 0);
});

/** Begins anew on a connection; returns the data of the client's last word. */
async function beginAgain(client: RawClient, user = USER, password = PASSWORD) {
  const scram = new ScramClient(user, password);
  sendAuth(client, scram.first, ReasonCode.reAuthenticate);
  return { scram, data: scram.final(await takeChallenge(client)) };
}

test('[MQTT-4.12.0-5] [MQTT-3.15.2-1] a client may prove again who it is: AUTH 0x18, then 0x00, and all goes on', async () => {
  const topic = unique('topic');
  await using client = await connected();
  await client.subscribe(topic);
  const { scram, data } = await beginAgain(client);
  // Meanwhile the connection is as it was.
  await client.publish(topic, 'meanwhile', { qos: 1 });
  await client.receive();
  sendAuth(client, data, ReasonCode.continueAuthentication);
  const { reasonCode, properties } = await client.expect('auth');
  assert.equal(reasonCode, ReasonCode.success);
  assert.equal(properties.authenticationMethod, METHOD);
  assert(scram.trusts(properties.authenticationData));
  await client.publish(topic, 'after', { qos: 1 });
  assert.equal(await client.expectPayload(), 'after');
});

test('[MQTT-4.12.1-1] a client that begins anew with another method is sent away', async () => {
  await using client = await connected();
  sendAuth(client, new ScramClient(USER, PASSWORD).first, ReasonCode.reAuthenticate, 'SCRAM-SHA-1');
  await expectRefusal(client, ...OUT_OF_PLACE);
});

test('[MQTT-4.12.1-2] a client that fails to prove again who it is is sent away', async () => {
  await using client = await connected();
  const { data } = await beginAgain(client, USER, 'pen');
  sendAuth(client, data, ReasonCode.continueAuthentication);
  await expectRefusal(client, ReasonCode.notAuthorized);
});
