import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { bytes, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, nextOrEnd } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const DISCONNECT = frame(0xe0);

for (const reasonCode of [0x01, 0x10, 0x7f, 0x84, 0x91, 0xff])
  test(`[MQTT-3.14.2-1] DISCONNECT with 0x${reasonCode.toString(16)} is an error: it discards neither will nor session`, async () => {
    const [clientId, topic] = [unique('c'), unique('will')];
    await using watcher = await connect();
    await watcher.subscribe(topic);
    const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const;
    await using client = await connect({ clientId, properties: { sessionExpiryInterval: 60 }, will });
    const expiry = [0x11, 0, 0, 0, 0];
    client.sendBytes(frame(0xe0, reasonCode, expiry.length, Uint8Array.from(expiry)));
    await expectRefusal(client, ReasonCode.protocolError, ReasonCode.malformedPacket);
    assert.equal(await watcher.expectPayload(), 'gone');
    await using after = await connect({ clientId, cleanStart: false });
    assert.equal(after.connack.sessionPresent, true);
  });

/** Ways to be sent away. */
const CAUSES: Readonly<Record<string, (client: RawClient, clientId: string) => Promise<unknown>>> = {
  'for an error': async (client) => client.sendConnect({ clientId: 'again' }),
  'for a packet that cannot be read': async (client) => client.sendBytes(frame(0x01)),
  'for another connection': (_, clientId) => connect({ clientId, cleanStart: false }),
};

for (const [what, cause] of Object.entries(CAUSES)) {
  test(`[MQTT-3.14.2-1] [MQTT-3.14.2-2] the server’s DISCONNECT ${what} has a code of its own and no expiry`, async () => {
    const clientId = unique('c');
    await using client = await connect({ clientId, properties: { sessionExpiryInterval: 60 } });
    await cause(client, clientId);
    const packet = await nextOrEnd(client);
    if (packet === undefined) return;
    // The decoder of the tests refuses codes that are not for DISCONNECT.
    assert(packet.type === 'disconnect');
    assert(packet.reasonCode >= ReasonCode.unspecifiedError);
    assert.equal(packet.properties.sessionExpiryInterval, undefined);
  });

  test(`[MQTT-3.14.4-1] [MQTT-3.14.4-2] sent away ${what}: DISCONNECT is the last packet, and the end`, async () => {
    const [clientId, topic] = [unique('c'), unique('topic')];
    await using publisher = await connect();
    await using client = await connect({ clientId });
    await client.subscribe(topic);
    // Messages that are on their way while it happens.
    for (let count = 0; count < 50; count++) publisher.sendPublish(topic, 'message');
    await cause(client, clientId);
    for (let count = 0; count < 50; count++) publisher.sendPublish(topic, 'message');
    await publisher.expectNothing();
    let packet = await nextOrEnd(client);
    while (packet?.type === 'publish') packet = await nextOrEnd(client);
    if (packet === undefined) return;
    assert.equal(packet.type, 'disconnect');
    assert.equal(await nextOrEnd(client), undefined);
  });
}

for (const reasonCode of [ReasonCode.normalDisconnection, ReasonCode.unspecifiedError])
  test(`[MQTT-3.14.4-1] what comes behind a DISCONNECT (0x${reasonCode.toString(16)}) is not processed`, async () => {
    const topic = unique('topic');
    await using watcher = await connect();
    await watcher.subscribe(topic);
    await using client = await connect();
    client.sendBytes(bytes(frame(0xe0, reasonCode), frame(0x30, field(topic), 0, 'after')));
    assert.equal(await nextOrEnd(client), undefined);
    await watcher.publish(topic, 'end', { qos: 1 });
    assert.equal(await watcher.expectPayload(), 'end');
  });

test('[MQTT-3.14.4-2] a client that says goodbye and does not close is closed by the server', async () => {
  await using client = await connect();
  client.sendBytes(DISCONNECT);
  await client.expectClose();
});
