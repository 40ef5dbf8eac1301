import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import type { Packet, PublishPacket } from '../../../src/mqtt/packets.ts';
import type { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';

/** The packet as the client would send it, for a test to spoil. */
export function frameOf(client: RawClient, packet: Packet): Buffer {
  return Buffer.from(encodePacket(packet, client.version));
}

/**
 * The server ends the connection. It may say why in a DISCONNECT before (MQTT 5 section 4.13), but then with one of these
 * reasons.
 */
export async function expectRefusal(client: RawClient, ...reasonCodes: ReasonCode[]): Promise<void> {
  const packet = await nextOrEnd(client);
  if (packet === undefined) return;
  assert.equal(packet.type, 'disconnect', `expected the end of the connection, got ${JSON.stringify(packet)}`);
  assert(reasonCodes.includes(packet.reasonCode), `unexpected reason 0x${packet.reasonCode.toString(16)}`);
  assert.equal(await nextOrEnd(client), undefined, 'the connection must end after DISCONNECT');
}

/**
 * The server ends a connection that has only brought a CONNECT. It may say why in a CONNACK before, but then with one of
 * these reasons, without a session, and with nothing behind it.
 */
export async function expectRejection(client: RawClient, ...reasonCodes: ReasonCode[]): Promise<void> {
  const packet = await nextOrEnd(client);
  if (packet === undefined) return;
  assert(packet.type === 'connack', `expected the end of the connection, got ${JSON.stringify(packet)}`);
  assert(reasonCodes.includes(packet.reasonCode), `unexpected reason 0x${packet.reasonCode.toString(16)}`);
  assert.equal(packet.sessionPresent, false);
  assert.equal(await nextOrEnd(client), undefined, 'the connection must end after CONNACK');
}

/** The next packet; undefined when the server has ended the connection. */
export async function nextOrEnd(client: RawClient): Promise<Packet | undefined> {
  try {
    return await client.next();
  } catch (error) {
    // Or the wait for one has come to its limit.
    assert.match((error as Error).message, /the connection was closed/);
    return undefined;
  }
}

/** All that the server answers until it ends the connection, for what not every client could read. */
export async function answerTo(server: { host: string; port: number }, sent: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const socket = createConnection(server);
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that leaves bytes unread resets the connection.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(sent);
  await closed;
  return Buffer.concat(chunks);
}

/**
 * The messages that come before the one with this text, which ends the wait for what may not come at all. All are
 * acknowledged.
 */
export async function publishesBefore(client: RawClient, text: string): Promise<PublishPacket[]> {
  const packets: PublishPacket[] = [];
  for (;;) {
    const packet = await client.take('publish');
    await acknowledge(client, packet);
    if (payloadOf(packet) === text) return packets;
    packets.push(packet);
  }
}

async function acknowledge(client: RawClient, { qos, packetId }: PublishPacket): Promise<void> {
  if (qos === 1) client.sendAck('puback', packetId);
  if (qos !== 2) return;
  client.sendAck('pubrec', packetId);
  await client.take('pubrel');
  client.sendAck('pubcomp', packetId);
}

/** The same as texts. */
export async function textsBefore(client: RawClient, text: string): Promise<string[]> {
  return (await publishesBefore(client, text)).map(payloadOf);
}
