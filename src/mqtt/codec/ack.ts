import { type AckName, PacketType } from '../packet-type.ts';
import type { AckPacket, ProtocolVersion } from '../packets.ts';
import { ReasonCode } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * PUBACK, PUBREC, PUBREL, PUBCOMP (MQTT 5 sections 3.4 to 3.7)
 *   body = packet identifier, [reason code, [properties]] in 5.0: a reason of success may be left out if there are no
 *          properties, and properties if there are none
 */

export function decodeAck<Name extends AckName>(reader: PacketReader, type: Name): AckPacket<Name> {
  const packetId = reader.packetId();
  const hasReason = reader.version === 5 && reader.remaining > 0;
  const reasonCode = hasReason ? reader.reasonCode(PacketType[type]) : ReasonCode.success;
  const hasProperties = hasReason && reader.remaining > 0;
  const properties = hasProperties ? readProperties<AckName>(reader, type) : {};
  return { type, packetId, reasonCode, properties };
}

export function encodeAck(packet: AckPacket, version: ProtocolVersion, out: ByteWriter): void {
  out.twoByteInteger(packet.packetId);
  const hasProperties = Object.keys(packet.properties).length > 0;
  if (version !== 5 || (packet.reasonCode === ReasonCode.success && !hasProperties)) return;
  out.byte(packet.reasonCode);
  if (hasProperties) writeProperties(out, version, packet.type, packet.properties);
}
