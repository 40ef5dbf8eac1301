import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { bytes, connectFrame5, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { answerTo, expectRefusal, expectRejection } from '../support/exchange.ts';

const { test, open, connect, address, unique } = conformance('5.0');
const NOT_CONFORMING = [ReasonCode.malformedPacket, ReasonCode.protocolError];
const CLIENT = field('c');

async function rejects(sent: Uint8Array): Promise<void> {
  await using client = await open();
  client.sendBytes(sent);
  await expectRejection(client, ...NOT_CONFORMING);
}

/** No more than a CONNACK, which may say so in the form of either version: it is not known what the client can read. */
async function expectUnsupported(sent: Uint8Array): Promise<void> {
  const answer = await answerTo(address(), sent);
  if (answer.length === 0) return;
  assert.equal(answer[0], 0x20);
  assert.equal(answer.length, 2 + answer[1]!);
  assert.deepEqual([...answer.subarray(2, 4)], [0, answer.length === 4 ? 1 : ReasonCode.unsupportedProtocolVersion]);
}

/** Behind the keep alive, which `connectFrame5` does not reach: a length of its own, and properties. */
function withProperties(...properties: (number | Uint8Array)[]): Buffer {
  return connectFrame5({ properties: bytes(...properties) }, CLIENT);
}

for (const [packet, sent] of Object.entries({
  PINGREQ: frame(0xc0),
  PUBLISH: frame(0x30, field('topic'), 0, 'payload'),
  SUBSCRIBE: frame(0x82, 0, 1, 0, field('filter'), 0),
  DISCONNECT: frame(0xe0),
  AUTH: frame(0xf0, 0x18, 4, 0x15, field('m')),
}))
  test(`[MQTT-3.1.0-1] [MQTT-3.14.0-1] before CONNECT, ${packet} ends the connection, without a DISCONNECT`, async () => {
    await using client = await open();
    client.sendBytes(sent);
    await client.expectClose();
  });

test('[MQTT-3.1.0-2] [MQTT-3.2.0-2] a second CONNECT ends the connection, and is answered by no CONNACK', async () => {
  await using client = await connect();
  client.sendConnect({ clientId: unique('c') });
  await expectRefusal(client, ReasonCode.protocolError);
});

for (const name of ['MQTX', 'mqtt', 'HTTP'])
  test(`[MQTT-3.1.2-1] a client that speaks ${name} is not served as one of MQTT`, () =>
    expectUnsupported(frame(0x10, field(name), 5, 2, 0, 0, 0, CLIENT)));

for (const level of [6, 7, 255])
  test(`[MQTT-3.1.2-2] protocol version ${level} may be answered with 0x84, and ends the connection`, () =>
    expectUnsupported(connectFrame5({ level }, CLIENT)));

test('[MQTT-3.1.2-3] [MQTT-3.1.4-1] the reserved flag must be 0', () =>
  rejects(connectFrame5({ flags: 0x03 }, CLIENT)));

for (const [what, payload] of Object.entries({
  'nothing of it': [],
  'its properties alone': [0],
  'no message': [0, field('will')],
}))
  test(`[MQTT-3.1.2-9] [MQTT-3.1.4-1] a will flag and ${what} is refused`, () =>
    rejects(connectFrame5({ flags: 0x06 }, CLIENT, ...payload)));

test('[MQTT-3.1.2-9] [MQTT-3.1.4-1] a will without its flag is refused', () =>
  rejects(connectFrame5({}, CLIENT, 0, field('will'), field('payload'))));

for (const flags of [0x0a, 0x12, 0x1a])
  test(`[MQTT-3.1.2-11] no will, but the QoS of one (flags ${flags.toString(2)})`, () =>
    rejects(connectFrame5({ flags }, CLIENT)));

test('[MQTT-3.1.2-12] there is no will QoS 3', () =>
  rejects(connectFrame5({ flags: 0x1e }, CLIENT, 0, field('will'), field('payload'))));

test('[MQTT-3.1.2-13] no will, but it is to be retained', () => rejects(connectFrame5({ flags: 0x22 }, CLIENT)));

test('[MQTT-3.1.2-16] [MQTT-3.1.4-1] a user name without its flag is refused', () =>
  rejects(connectFrame5({}, CLIENT, field('user'))));

test('[MQTT-3.1.2-17] [MQTT-3.1.4-1] a user name flag without a user name is refused', () =>
  rejects(connectFrame5({ flags: 0x82 }, CLIENT)));

test('[MQTT-3.1.2-18] [MQTT-3.1.4-1] a password without its flag is refused', () =>
  rejects(connectFrame5({ flags: 0x82 }, CLIENT, field('user'), field('password'))));

test('[MQTT-3.1.2-19] [MQTT-3.1.4-1] a password flag without a password is refused', () =>
  rejects(connectFrame5({ flags: 0xc2 }, CLIENT, field('user'))));

test('[MQTT-3.1.3-1] the fields are read in their order', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await open();
  const will = [bytes(5, 0x03, field('ct')), field(topic), field('payload')];
  client.sendBytes(connectFrame5({ flags: 0xc6 }, field(unique('c')), ...will, field('user'), field('password')));
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
  await client.drop();
  const { payload, properties } = await watcher.expect('publish');
  assert.equal(Buffer.from(payload).toString(), 'payload');
  assert.equal(properties.contentType, 'ct');
});

test('[MQTT-3.1.3-3] a CONNECT without a client identifier field is refused', () => rejects(connectFrame5({})));

for (const [what, sent] of Object.entries({
  'bytes behind the last field': connectFrame5({}, CLIENT, 0),
  'a field that is longer than the packet': connectFrame5({}, bytes(0, 9, 'c')),
  'properties that are longer than the packet': frame(0x10, field('MQTT'), 5, 2, 0, 0, 90, CLIENT),
  'an unknown property': withProperties(0x7f, 0),
  'a property of PUBLISH': withProperties(0x23, 0, 1),
  'a property twice': withProperties(0x21, 0, 9, 0x21, 0, 9),
  'Receive Maximum 0': withProperties(0x21, 0, 0),
  'Maximum Packet Size 0': withProperties(0x27, 0, 0, 0, 0),
  'Request Problem Information 2': withProperties(0x17, 2),
  'Request Response Information 2': withProperties(0x19, 2),
  'authentication data without a method': withProperties(0x16, field('data')),
}))
  test(`[MQTT-3.1.4-1] [MQTT-4.13.1-1] a CONNECT with ${what} is refused`, () => rejects(sent));

test('[MQTT-3.1.4-5] [MQTT-3.2.0-1] the first packet of the server is a CONNACK that says success', async () => {
  await using client = await open();
  client.sendConnect({ clientId: unique('c') });
  client.send({ type: 'pingreq' });
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
  await client.expect('pingresp');
});

test('[MQTT-3.1.4-6] what comes behind a CONNECT that was rejected is not processed', async () => {
  const topic = unique('topic');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  const publish = frame(0x30, field(topic), 0, 'rejected');
  await expectUnsupported(bytes(connectFrame5({ level: 6 }, CLIENT), publish, frame(0xc0)));
  await using other = await connect();
  await other.publish(topic, 'end', { qos: 1 });
  assert.equal(await watcher.expectPayload(), 'end');
});
