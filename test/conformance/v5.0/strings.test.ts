import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { bytes, connectFrame5, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection } from '../support/exchange.ts';
import { ILL_FORMED, NULL_CHARACTER } from '../support/ill-formed-strings.ts';

const { test, open, connect, unique } = conformance('5.0');

/** A server that finds a bad string may call it by what the string is for. */
const BAD_STRING = [
  ReasonCode.malformedPacket,
  ReasonCode.protocolError,
  ReasonCode.topicNameInvalid,
  ReasonCode.topicFilterInvalid,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.badUserNameOrPassword,
];

function block(id: number, ...values: Uint8Array[]): Buffer {
  const properties = bytes(id, ...values);
  return bytes(properties.length, properties);
}

/** The packets of a connected client that hold a string. */
function packetsWith(text: Uint8Array): Readonly<Record<string, Buffer>> {
  return {
    PUBLISH: frame(0x30, field(text), 0, 'payload'),
    'the content type of PUBLISH': frame(0x30, field('topic'), block(0x03, field(text)), 'payload'),
    'the response topic of PUBLISH': frame(0x30, field('topic'), block(0x08, field(text)), 'payload'),
    SUBSCRIBE: frame(0x82, 0, 1, 0, field(text), 0),
    UNSUBSCRIBE: frame(0xa2, 0, 1, 0, field(text)),
    'the reason string of DISCONNECT': frame(0xe0, 0, block(0x1f, field(text))),
  };
}

/** Packets with a pair whose name, or whose value, is bad. */
function pairsWith(text: Uint8Array): Readonly<Record<string, Buffer>> {
  const name = block(0x26, field(text), field('value'));
  const value = block(0x26, field('name'), field(text));
  return {
    'a name in PUBLISH': frame(0x30, field('topic'), name, 'payload'),
    'a value in PUBLISH': frame(0x30, field('topic'), value, 'payload'),
    'a name in SUBSCRIBE': frame(0x82, 0, 1, name, field('filter'), 0),
    'a value in SUBSCRIBE': frame(0x82, 0, 1, value, field('filter'), 0),
    'a name in UNSUBSCRIBE': frame(0xa2, 0, 1, name, field('filter')),
    'a value in DISCONNECT': frame(0xe0, 0, value),
  };
}

function connectsWith(text: Uint8Array) {
  const clientId = field(unique('c'));
  return {
    clientId: connectFrame5({}, field(text)),
    willTopic: connectFrame5({ flags: 0x06 }, clientId, 0, field(text), field('payload')),
    userName: connectFrame5({ flags: 0x82 }, clientId, field(text)),
  };
}

async function endsConnected(packet: Uint8Array): Promise<void> {
  await using client = await connect();
  client.sendBytes(packet);
  await expectRefusal(client, ...BAD_STRING);
}

async function endsUnconnected(packet: Uint8Array): Promise<void> {
  await using client = await open();
  client.sendBytes(packet);
  await expectRejection(client, ...BAD_STRING);
}

for (const [what, text] of Object.entries(ILL_FORMED)) {
  for (const [packet, sent] of Object.entries(packetsWith(text)))
    test(`[MQTT-1.5.4-1] ill-formed text (${what}) ends the connection: ${packet}`, () => endsConnected(sent));

  test(`[MQTT-1.5.4-1] ill-formed text (${what}) in a CONNECT is refused`, async () => {
    await Promise.all(Object.values(connectsWith(text)).map(endsUnconnected));
  });

  for (const [packet, sent] of Object.entries(pairsWith(text)))
    test(`[MQTT-1.5.7-1] ill-formed text (${what}) in a pair ends the connection: ${packet}`, () =>
      endsConnected(sent));

  test(`[MQTT-3.1.3-4] an ill-formed client identifier is refused: ${what}`, () =>
    endsUnconnected(connectsWith(text).clientId));

  test(`[MQTT-3.1.3-11] an ill-formed will topic is refused: ${what}`, () =>
    endsUnconnected(connectsWith(text).willTopic));

  test(`[MQTT-3.1.3-12] an ill-formed user name is refused: ${what}`, () =>
    endsUnconnected(connectsWith(text).userName));
}

for (const [packet, sent] of Object.entries(packetsWith(NULL_CHARACTER)))
  test(`[MQTT-1.5.4-2] U+0000 in a string ends the connection: ${packet}`, () => endsConnected(sent));

test('[MQTT-1.5.4-2] U+0000 in a string of CONNECT is refused', async () => {
  await Promise.all(Object.values(connectsWith(NULL_CHARACTER)).map(endsUnconnected));
});

for (const [packet, sent] of Object.entries(pairsWith(NULL_CHARACTER)))
  test(`[MQTT-1.5.7-1] U+0000 in a pair ends the connection: ${packet}`, () => endsConnected(sent));

test('[MQTT-1.5.4-3] U+FEFF stays, at the beginning and inside, and makes another topic', async () => {
  const plain = unique('topic');
  const marked = `\uFEFF${plain}/\uFEFF`;
  const properties = { contentType: '\uFEFFtext', userProperties: [['\uFEFFname', 'va\uFEFFlue']] } as const;
  await using client = await connect();
  await client.subscribe([plain, `${plain}/#`, marked]);
  await client.publish(marked, 'marked', { qos: 1, properties });
  await client.publish(plain, 'plain', { qos: 1 });
  const [first, second] = [await client.receive(), await client.receive()];
  assert.deepEqual([first.topic, second.topic], [marked, plain]);
  assert.deepEqual({ ...first.properties }, properties);
});

test('[MQTT-3.1.3-4] identifiers beyond ASCII are taken as text, or refused as not valid', async () => {
  await using client = await open();
  client.sendConnect({ clientId: unique('größe-温度-🌡') });
  const { reasonCode } = await client.expect('connack');
  assert([ReasonCode.success, ReasonCode.clientIdentifierNotValid].some((code) => code === reasonCode));
});
