import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Packet, parser } from 'mqtt-packet';
import { encodeConnect, encodeDisconnect, encodeSubscribe, publishTemplate } from './packets.ts';

function parsed(bytes: Buffer): Packet {
  const packets: Packet[] = [];
  const reader = parser();
  reader.on('packet', (packet) => packets.push(packet));
  reader.parse(bytes);
  assert.equal(packets.length, 1);
  return packets[0]!;
}

describe('packets of the load generator', () => {
  it('connect with a clean session', () => {
    const packet = parsed(encodeConnect('bench-1', 600));
    assert(packet.cmd === 'connect');
    assert.deepEqual(
      [packet.clientId, packet.clean, packet.keepalive, packet.protocolVersion],
      ['bench-1', true, 600, 4],
    );
  });

  it('subscribe to one filter', () => {
    const packet = parsed(encodeSubscribe(7, 'a/+/#', 1));
    assert(packet.cmd === 'subscribe');
    assert.deepEqual([packet.messageId, packet.subscriptions], [7, [{ topic: 'a/+/#', qos: 1 }]]);
  });

  it('publish with the stream in the payload, and say where to fill in the rest', () => {
    const template = publishTemplate('a/b', 1, 300, 9);
    template.bytes.writeUInt16BE(513, template.packetIdAt!);
    const packet = parsed(template.bytes);
    assert(packet.cmd === 'publish');
    assert.deepEqual([packet.topic, packet.qos, packet.messageId, packet.payload.length], ['a/b', 1, 513, 300]);
    assert.equal(template.bytes.readUInt32LE(template.payloadAt), 9);
    assert.equal(publishTemplate('a/b', 0, 16, 0).packetIdAt, undefined);
  });

  it('disconnect', () => assert.equal(parsed(encodeDisconnect()).cmd, 'disconnect'));
});
