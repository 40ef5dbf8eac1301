import { bytes, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';

const { test, connect } = conformance('3.1.1');

for (const [what, sent] of Object.entries({
  'packet type 0': frame(0x00),
  'packet type 15': frame(0xf0),
  'a packet that only servers send': frame(0x90, 0, 1, 0),
  'a remaining length of five bytes': bytes(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f),
  'a topic longer than its packet': frame(0x30, 0, 9, 'topic'),
  'a PUBACK without an identifier': frame(0x40),
  'a SUBSCRIBE that ends in the middle of a filter': frame(0x82, 0, 1, 0, 9, 'filter'),
  'a SUBSCRIBE whose last filter has no QoS': frame(0x82, 0, 1, field('filter'), 0, field('other')),
  'a PINGREQ with a body': frame(0xc0, 0),
}))
  test(`[MQTT-4.8.0-1] what violates the protocol ends the connection: ${what}`, async () => {
    await using client = await connect();
    client.sendBytes(sent);
    await client.expectClose();
  });

test('[MQTT-4.8.0-1] an error of one client is nothing to others', async () => {
  await using other = await connect();
  await using client = await connect();
  client.sendBytes(frame(0x00));
  await client.expectClose();
  await other.expectNothing();
});
