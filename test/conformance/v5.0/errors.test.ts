import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { MALFORMED_EXAMPLES } from '../../../src/mqtt/testing/packet-table.ts';
import { bytes, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal } from '../support/exchange.ts';

const { test, connect } = conformance('5.0');
/** The specification gives the values of the indicator, and not what becomes of others. */
const UNDECIDED = 'PUBLISH with payload format 2';
const GENERAL = [ReasonCode.malformedPacket, ReasonCode.protocolError];

for (const [what, sent] of Object.entries({
  'packet type 0': frame(0x00),
  'a packet that only servers send': frame(0x20, 0, 0, 0),
  'a remaining length of five bytes': bytes(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f),
  'a topic longer than its packet': frame(0x30, 0, 9, 'topic'),
  'a PUBACK without an identifier': frame(0x40),
  'a SUBSCRIBE that ends in the middle of a filter': frame(0x82, 0, 1, 0, 0, 9, 'filter'),
  'a SUBSCRIBE whose last filter has no options': frame(0x82, 0, 1, 0, field('filter'), 0, field('other')),
  'a PINGREQ with a body': frame(0xc0, 0),
}))
  test(`[MQTT-4.13.1-1] what violates the protocol ends the connection: ${what}`, async () => {
    await using client = await connect();
    client.sendBytes(sent);
    await expectRefusal(client, ...GENERAL, ReasonCode.packetTooLarge);
  });

for (const { name, version, bytes: sent, reasonCode } of MALFORMED_EXAMPLES)
  if (version === 5 && !name.startsWith('CONNECT') && name !== UNDECIDED)
    test(`[MQTT-4.13.1-1] what cannot be read ends the connection: ${name}`, async () => {
      await using client = await connect();
      client.sendBytes(sent);
      await expectRefusal(client, reasonCode, ...GENERAL);
    });

test('[MQTT-4.13.2-1] the end of one connection for an error is nothing to others', async () => {
  await using other = await connect();
  await using client = await connect();
  client.sendBytes(frame(0x00));
  await expectRefusal(client, ...GENERAL);
  await other.expectNothing();
});

test('[MQTT-4.13.2-1] a DISCONNECT with a failure ends the connection, whoever sends it', async () => {
  await using client = await connect();
  client.sendBytes(frame(0xe0, ReasonCode.unspecifiedError));
  await client.expectClose();
});
