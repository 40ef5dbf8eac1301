import { bytes, connectFrame, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';

const { test, open, connect, unique } = conformance('3.1.1');

interface Row {
  readonly packet: string;
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

const ACKNOWLEDGED = Uint8Array.of(0, 1);

const ROWS: readonly Row[] = [
  { packet: 'PUBACK', type: 0x40, flags: 0, body: ACKNOWLEDGED },
  { packet: 'PUBREC', type: 0x50, flags: 0, body: ACKNOWLEDGED },
  { packet: 'PUBREL', type: 0x60, flags: 2, body: ACKNOWLEDGED },
  { packet: 'PUBCOMP', type: 0x70, flags: 0, body: ACKNOWLEDGED },
  { packet: 'SUBSCRIBE', type: 0x80, flags: 2, body: bytes(0, 1, field('filter'), 0) },
  { packet: 'UNSUBSCRIBE', type: 0xa0, flags: 2, body: bytes(0, 1, field('filter')) },
  { packet: 'PINGREQ', type: 0xc0, flags: 0, body: new Uint8Array(0) },
  { packet: 'DISCONNECT', type: 0xe0, flags: 0, body: new Uint8Array(0) },
];

/** Every value of the four reserved bits but the one that the table of section 2.2.2 lists ends a connection. */
async function refusesOtherFlags({ type, flags, body }: Row): Promise<void> {
  const others = Array.from({ length: 16 }, (_, value) => value).filter((value) => value !== flags);
  await Promise.all(
    others.map(async (value) => {
      await using client = await connect();
      client.sendBytes(frame(type | value, body));
      await client.expectClose();
    }),
  );
}

const row = (wanted: string): Row => ROWS.find(({ packet }) => packet === wanted)!;

for (const wrong of ROWS)
  test(`[MQTT-2.2.2-1] [MQTT-2.2.2-2] other flags than its own in ${wrong.packet} end the connection`, () =>
    refusesOtherFlags(wrong));

test('[MQTT-2.2.2-1] [MQTT-2.2.2-2] other flags than its own in CONNECT end the connection', async () => {
  for (const header of [0x11, 0x12, 0x14, 0x18]) {
    await using client = await open();
    client.sendBytes(connectFrame({ header }, unique('c')));
    await client.expectClose();
  }
});

test('[MQTT-3.6.1-1] PUBREL has the flags 0010 and is malformed with others', () => refusesOtherFlags(row('PUBREL')));

test('[MQTT-3.6.1-1] [MQTT-2.2.2-1] the flags of packets from the server are those of the table', async () => {
  const topic = unique('topic');
  await using client = await connect();
  // The decoder of the tests refuses other flags than those of the table, so that every packet here shows them.
  await client.subscribe(topic);
  await client.publish(topic, 'message', { qos: 2 });
  await client.receive();
  await client.publish(topic, 'message', { qos: 1 });
  await client.receive();
  await client.unsubscribe(topic);
  await client.expectNothing();
});

test('[MQTT-3.8.1-1] SUBSCRIBE is malformed without the flags 0010', () => refusesOtherFlags(row('SUBSCRIBE')));

test('[MQTT-3.10.1-1] UNSUBSCRIBE is malformed without the flags 0010', () => refusesOtherFlags(row('UNSUBSCRIBE')));

test('[MQTT-3.14.1-1] DISCONNECT with a reserved bit disconnects, and not as a goodbye: the will is sent', async () => {
  const topic = unique('will');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const;
  for (const header of [0xe1, 0xe2, 0xe4, 0xe8]) {
    await using client = await connect({ will });
    client.sendBytes(frame(header));
    await client.expectClose();
    await watcher.expectPayload();
  }
});
