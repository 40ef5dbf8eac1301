import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { bytes, connectFrame5, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, expectRejection } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('5.0');
const NOT_ITS_FLAGS = [ReasonCode.malformedPacket, ReasonCode.protocolError];

/** Every value of the four reserved bits but the one of table 2-2 ends a connection. */
async function refusesOtherFlags(type: number, flags: number, body: Uint8Array): Promise<void> {
  const others = Array.from({ length: 16 }, (_, value) => value).filter((value) => value !== flags);
  await Promise.all(
    others.map(async (value) => {
      await using client = await connect();
      client.sendBytes(frame(type | value, body));
      await expectRefusal(client, ...NOT_ITS_FLAGS);
    }),
  );
}

for (const [packet, type, flags, body] of [
  ['PUBACK', 0x40, 0, bytes(0, 1)],
  ['PUBREC', 0x50, 0, bytes(0, 1)],
  ['PUBREL', 0x60, 2, bytes(0, 1)],
  ['PUBCOMP', 0x70, 0, bytes(0, 1)],
  ['SUBSCRIBE', 0x80, 2, bytes(0, 1, 0, field('filter'), 0)],
  ['UNSUBSCRIBE', 0xa0, 2, bytes(0, 1, 0, field('filter'))],
  ['PINGREQ', 0xc0, 0, bytes()],
] as const)
  test(`[MQTT-2.1.3-1] other flags than its own in ${packet} end the connection`, () =>
    refusesOtherFlags(type, flags, body));

test('[MQTT-2.1.3-1] [MQTT-3.14.1-1] other flags than 0000 in DISCONNECT are malformed', () =>
  refusesOtherFlags(0xe0, 0, bytes()));

test('[MQTT-3.14.1-1] a DISCONNECT with a reserved bit is not taken as a goodbye: the will is sent', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const;
  for (const header of [0xe1, 0xe2, 0xe4, 0xe8]) {
    await using client = await connect({ will });
    client.sendBytes(frame(header));
    await expectRefusal(client, ...NOT_ITS_FLAGS);
    await watcher.expectPayload();
  }
});

for (const header of [0x11, 0x12, 0x14, 0x18])
  test(`[MQTT-2.1.3-1] [MQTT-3.1.4-1] a CONNECT that begins with 0x${header.toString(16)} is refused`, async () => {
    await using client = await open();
    client.sendBytes(connectFrame5({ header }, field(unique('c'))));
    await expectRejection(client, ...NOT_ITS_FLAGS);
  });

test('[MQTT-2.1.3-1] the flags of packets from the server are those of the table', async () => {
  const topic = unique('topic');
  await using client = await connect();
  // The decoder of the tests refuses other flags than those of the table, so that every packet here shows them.
  await client.subscribe(topic);
  for (const qos of [1, 2] as const) {
    await client.publish(topic, 'message', { qos });
    await client.receive();
  }
  await client.unsubscribe(topic);
  await client.expectNothing();
});
