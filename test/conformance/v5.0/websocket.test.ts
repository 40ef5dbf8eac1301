import assert from 'node:assert/strict';
import { once } from 'node:events';
import { bytes, connectFrame5, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { WebSocketClient } from '../support/websocket-client.ts';

const { test, address, unique } = conformance('5.0', { 'listeners.0.transport': 'ws' });

const PINGREQ = frame(0xc0);
const PINGRESP = frame(0xd0);

async function expectConnack(client: WebSocketClient): Promise<void> {
  const packet = await client.next();
  assert.deepEqual([packet[0], packet[2], packet[3]], [0x20, 0, 0]);
}

async function connected(): Promise<WebSocketClient> {
  const client = await WebSocketClient.open(address().port);
  client.webSocket.send(connectFrame5({}, field(unique('c'))));
  await expectConnack(client);
  return client;
}

test('[MQTT-6.0.0-1] packets come in binary frames', async () => {
  const topic = unique('topic');
  await using client = await connected();
  client.webSocket.send(frame(0x82, 0, 1, 0, field(topic), 0));
  await client.expect(frame(0x90, 0, 1, 0, 0));
  client.webSocket.send(frame(0x30, field(topic), 0, 'payload'));
  await client.expect(frame(0x30, field(topic), 0, 'payload'));
});

test('[MQTT-6.0.0-1] a text frame ends the connection', async () => {
  await using client = await connected();
  client.webSocket.send(PINGREQ.toString('latin1'));
  await once(client.webSocket, 'close');
});

test('[MQTT-6.0.0-1] a CONNECT in a text frame is not taken', async () => {
  await using client = await WebSocketClient.open(address().port);
  client.webSocket.send(connectFrame5({}, field(unique('c'))).toString('latin1'));
  const message = once(client.webSocket, 'message');
  assert.equal(await Promise.race([once(client.webSocket, 'close').then(() => 'end'), message]), 'end');
});

test('[MQTT-6.0.0-2] several packets in one frame are taken', async () => {
  await using client = await WebSocketClient.open(address().port);
  client.webSocket.send(bytes(connectFrame5({}, field(unique('c'))), PINGREQ, PINGREQ));
  await expectConnack(client);
  await client.expect(bytes(PINGRESP, PINGRESP));
});

test('[MQTT-6.0.0-2] a packet in many frames is taken, also with the beginning of the next', async () => {
  await using client = await WebSocketClient.open(address().port);
  const packets = bytes(connectFrame5({}, field(unique('c'))), PINGREQ);
  for (const byte of packets.subarray(0, 4)) client.webSocket.send(Uint8Array.of(byte));
  client.webSocket.send(packets.subarray(4, packets.length - 1));
  client.webSocket.send(packets.subarray(packets.length - 1));
  await expectConnack(client);
  await client.expect(PINGRESP);
});

test('[MQTT-6.0.0-4] the subprotocol that the server selects is mqtt', async () => {
  await using client = await WebSocketClient.open(address().port);
  assert.equal(client.webSocket.protocol, 'mqtt');
});
