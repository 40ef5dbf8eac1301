import { PacketType } from './packets.ts';

/** Told of each packet where it lies in the read buffer, which is reused afterwards. */
export interface PacketHandler {
  onPublish(view: DataView, payloadStart: number, qos: number, packetId: number): void;
  onPuback(packetId: number): void;
  /** The two answers a client waits for by itself: first byte of the variable header and the last byte. */
  onAnswer(type: number, lastByte: number): void;
}

/**
 * Reads all whole packets in [start, end) and returns where the first incomplete one starts.
 * Throws on a packet that a subscriber or publisher at QoS 0 or 1 must never be sent.
 */
export function readPackets(view: DataView, start: number, end: number, handler: PacketHandler): number {
  let position = start;
  while (position < end) {
    let length = 0;
    let bodyStart = position + 1;
    let shift = 0;
    let digit = 0x80;
    while (digit & 0x80 && bodyStart < end) {
      digit = view.getUint8(bodyStart++);
      length |= (digit & 0x7f) << shift;
      shift += 7;
      if (shift > 28) throw new Error('the broker sent a malformed remaining length');
    }
    const bodyEnd = bodyStart + length;
    if (digit & 0x80 || bodyEnd > end) break;
    readPacket(view, view.getUint8(position), bodyStart, bodyEnd, handler);
    position = bodyEnd;
  }
  return position;
}

function readPacket(view: DataView, firstByte: number, start: number, end: number, handler: PacketHandler): void {
  const type = firstByte >> 4;
  if (type === PacketType.publish) {
    const qos = (firstByte >> 1) & 3;
    const topicEnd = start + 2 + view.getUint16(start);
    if (qos === 0) handler.onPublish(view, topicEnd, 0, 0);
    else handler.onPublish(view, topicEnd + 2, qos, view.getUint16(topicEnd));
  } else if (type === PacketType.puback) {
    handler.onPuback(view.getUint16(start));
  } else if (type === PacketType.connack || type === PacketType.suback) {
    handler.onAnswer(type, view.getUint8(end - 1));
  } else {
    throw new Error(`the broker sent an unexpected packet of type ${type}`);
  }
}
