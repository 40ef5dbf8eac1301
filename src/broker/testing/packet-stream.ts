import assert from 'node:assert/strict';
import { decodePacket } from '../../mqtt/codec/decode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../mqtt/frame.ts';
import type { Packet, ProtocolVersion, PublishPacket } from '../../mqtt/packets.ts';

/** The packets that these bytes are, which must end with the last of them. */
export function packetsIn(bytes: Uint8Array, version: ProtocolVersion): Packet[] {
  const packets: Packet[] = [];
  const frame = new FrameScan();
  for (let at = 0; at < bytes.length; at = frame.end) {
    assert.equal(scanFrame(bytes, at, bytes.length, Number.POSITIVE_INFINITY, frame), FrameStatus.complete);
    const result = decodePacket(bytes, frame.headerByte, frame.bodyStart, frame.end, version);
    assert(result.ok, result.ok ? '' : result.message);
    packets.push(result.packet);
  }
  return packets;
}

export function textOf({ payload }: PublishPacket): string {
  return Buffer.from(payload).toString();
}

/** The message without the trace that the broker put into it, which differs from one sending to the next. */
export function withoutTrace(packet: PublishPacket): PublishPacket {
  const { userProperties = [], ...properties } = packet.properties;
  const others = userProperties.filter(([name]) => name !== 'traceparent');
  return { ...packet, properties: others.length === 0 ? properties : { ...properties, userProperties: others } };
}
