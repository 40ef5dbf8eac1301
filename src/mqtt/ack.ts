import { decodePacket } from './codec/decode-packet.ts';
import { type AckName, PacketType, packetNameOf, requiredHeaderFlags } from './packet-type.ts';
import type { AckPacket, ProtocolVersion } from './packets.ts';
import { mayCarry, ReasonCode } from './reason-code.ts';

/** What an acknowledgement says. One object is reused for every packet. */
export class AckView {
  packetId = 0;
  reasonCode: ReasonCode = ReasonCode.success;
}

/**
 * Reads a PUBACK, PUBREC, PUBREL or PUBCOMP where it lies. Returns `success` or the reason to disconnect with. Nothing is
 * allocated unless the packet has properties, which few clients send.
 */
export function parseAck(
  buffer: Uint8Array,
  headerByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  out: AckView,
): ReasonCode {
  const name = packetNameOf(headerByte) as AckName;
  const length = end - bodyStart;
  if (version === 5 && length > 3) return parseAckWithProperties(buffer, headerByte, bodyStart, end, out);
  if ((headerByte & 0b1111) !== requiredHeaderFlags(name)) return ReasonCode.malformedPacket; // [MQTT-3.6.1-1]
  if (length !== 2 && (version !== 5 || length !== 3)) return ReasonCode.malformedPacket;
  out.packetId = (buffer[bodyStart]! << 8) | buffer[bodyStart + 1]!;
  if (out.packetId === 0) return ReasonCode.protocolError; // [MQTT-2.2.1-3]
  const reasonCode = length === 3 ? buffer[bodyStart + 2]! : ReasonCode.success;
  if (!mayCarry(PacketType[name], reasonCode)) return ReasonCode.protocolError;
  out.reasonCode = reasonCode;
  return ReasonCode.success;
}

function parseAckWithProperties(
  buffer: Uint8Array,
  headerByte: number,
  bodyStart: number,
  end: number,
  out: AckView,
): ReasonCode {
  const result = decodePacket(buffer, headerByte, bodyStart, end, 5);
  if (!result.ok) return result.reasonCode;
  const packet = result.packet as AckPacket;
  out.packetId = packet.packetId;
  out.reasonCode = packet.reasonCode;
  return ReasonCode.success;
}

/** Writes an acknowledgement without properties and returns the position after it: 4 bytes, or 5 with a reason. */
export function writeAck(
  out: Uint8Array,
  at: number,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
  version: ProtocolVersion,
): number {
  const withReason = version === 5 && reasonCode !== ReasonCode.success;
  out[at] = (type << 4) | (type === PacketType.pubrel ? 0b0010 : 0);
  out[at + 1] = withReason ? 3 : 2;
  out[at + 2] = packetId >> 8;
  out[at + 3] = packetId & 0xff;
  if (!withReason) return at + 4;
  out[at + 4] = reasonCode;
  return at + 5;
}
