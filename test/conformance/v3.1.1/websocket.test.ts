import assert from 'node:assert/strict';
import { once } from 'node:events';
import { bytes, connectFrame, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { WebSocketClient } from '../support/websocket-client.ts';

const { test, address, unique } = conformance('3.1.1', { 'listeners.0.transport': 'ws' });

const CONNACK = bytes(0x20, 2, 0, 0);
const PINGREQ = frame(0xc0);
const PINGRESP = frame(0xd0);

test('[MQTT-6.0.0-1] packets come in binary frames', async () => {
  const topic = unique('topic');
  await using client = await WebSocketClient.open(address().port);
  client.webSocket.send(connectFrame({}, unique('c')));
  await client.expect(CONNACK);
  client.webSocket.send(frame(0x82, 0, 1, field(topic), 0));
  await client.expect(frame(0x90, 0, 1, 0));
  client.webSocket.send(frame(0x30, field(topic), 'payload'));
  await client.expect(frame(0x30, field(topic), 'payload'));
});

test('[MQTT-6.0.0-1] a text frame ends the connection', async () => {
  await using client = await WebSocketClient.open(address().port);
  client.webSocket.send(connectFrame({}, unique('c')));
  await client.expect(CONNACK);
  client.webSocket.send(PINGREQ.toString('latin1'));
  await once(client.webSocket, 'close');
});

test('[MQTT-6.0.0-2] several packets in one frame are taken', async () => {
  await using client = await WebSocketClient.open(address().port);
  client.webSocket.send(bytes(connectFrame({}, unique('c')), PINGREQ, PINGREQ));
  await client.expect(bytes(CONNACK, PINGRESP, PINGRESP));
});

test('[MQTT-6.0.0-2] a packet in many frames is taken, also with the beginning of the next', async () => {
  await using client = await WebSocketClient.open(address().port);
  const packets = bytes(connectFrame({}, unique('c')), PINGREQ);
  for (const byte of packets.subarray(0, 4)) client.webSocket.send(Uint8Array.of(byte));
  client.webSocket.send(packets.subarray(4, packets.length - 1));
  client.webSocket.send(packets.subarray(packets.length - 1));
  await client.expect(bytes(CONNACK, PINGRESP));
});

test('[MQTT-6.0.0-4] the subprotocol that the server selects is mqtt', async () => {
  await using client = await WebSocketClient.open(address().port);
  assert.equal(client.webSocket.protocol, 'mqtt');
});
