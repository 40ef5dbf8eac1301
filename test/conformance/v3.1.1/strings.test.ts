import assert from 'node:assert/strict';
import { connectFrame, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { ILL_FORMED, NULL_CHARACTER } from '../support/ill-formed-strings.ts';

const { test, open, connect, unique } = conformance('3.1.1');

/** The packets of a connected client that hold a string. */
function packetsWith(text: Uint8Array): Readonly<Record<string, Buffer>> {
  return {
    PUBLISH: frame(0x30, field(text), 'payload'),
    SUBSCRIBE: frame(0x82, 0, 1, field(text), 0),
    UNSUBSCRIBE: frame(0xa2, 0, 1, field(text)),
  };
}

function connectsWith(clientId: string, text: Uint8Array): Readonly<Record<string, Buffer>> {
  return {
    'client identifier': connectFrame({}, text),
    'will topic': connectFrame({ flags: 0x06 }, clientId, text, 'payload'),
    'user name': connectFrame({ flags: 0x82 }, clientId, text),
  };
}

async function endsConnected(packet: Uint8Array): Promise<void> {
  await using client = await connect();
  client.sendBytes(packet);
  await client.expectClose();
}

async function endsUnconnected(packet: Uint8Array): Promise<void> {
  await using client = await open();
  client.sendBytes(packet);
  await client.expectClose();
}

for (const [what, text] of Object.entries(ILL_FORMED)) {
  test(`[MQTT-1.5.3-1] ill-formed text (${what}) ends the connection, in whatever packet`, async () => {
    const connected = Object.values(packetsWith(text)).map(endsConnected);
    await Promise.all([...connected, ...Object.values(connectsWith(unique('c'), text)).map(endsUnconnected)]);
  });

  test(`[MQTT-3.1.3-4] an ill-formed client identifier is refused: ${what}`, () =>
    endsUnconnected(connectsWith(unique('c'), text)['client identifier']!));

  test(`[MQTT-3.1.3-10] an ill-formed will topic is refused: ${what}`, () =>
    endsUnconnected(connectsWith(unique('c'), text)['will topic']!));

  test(`[MQTT-3.1.3-11] an ill-formed user name is refused: ${what}`, () =>
    endsUnconnected(connectsWith(unique('c'), text)['user name']!));

  test(`[MQTT-3.3.2-1] an ill-formed topic name is refused: ${what}`, () => endsConnected(packetsWith(text).PUBLISH!));

  test(`[MQTT-3.8.3-1] an ill-formed filter is refused: ${what}`, () => endsConnected(packetsWith(text).SUBSCRIBE!));

  test(`[MQTT-3.10.3-1] an ill-formed filter to unsubscribe is refused: ${what}`, () =>
    endsConnected(packetsWith(text).UNSUBSCRIBE!));
}

test('[MQTT-1.5.3-2] U+0000 in a string ends the connection, in whatever packet', async () => {
  const connected = Object.values(packetsWith(NULL_CHARACTER)).map(endsConnected);
  await Promise.all([...connected, ...Object.values(connectsWith(unique('c'), NULL_CHARACTER)).map(endsUnconnected)]);
});

for (const [packet, sent] of Object.entries(packetsWith(NULL_CHARACTER)))
  test(`[MQTT-4.7.3-2] a topic with U+0000 is refused in ${packet}`, () => endsConnected(sent));

test('[MQTT-1.5.3-3] U+FEFF stays, at the beginning and inside, and makes another topic', async () => {
  const plain = unique('topic');
  const marked = `\uFEFF${plain}/\uFEFF`;
  await using client = await connect();
  await client.subscribe([plain, `${plain}/#`, marked]);
  await client.publish(marked, 'marked', { qos: 1 });
  await client.publish(plain, 'plain', { qos: 1 });
  const received = [await client.receive(), await client.receive()].map(({ topic }) => topic);
  assert.deepEqual(received, [marked, plain]);
});

test('[MQTT-4.7.3-3] topics of 65,535 bytes are served', async () => {
  const topic = `${unique('topic')}/`.padEnd(65_535, 'x');
  await using client = await connect();
  const { reasonCodes } = await client.subscribe(topic);
  assert(reasonCodes[0]! <= 2);
  await client.publish(topic, 'message', { qos: 1 });
  assert.equal((await client.receive()).topic, topic);
});
