import { PacketType } from '../packet-type.ts';
import type { DisconnectPacket, ProtocolVersion } from '../packets.ts';
import { ReasonCode } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * DISCONNECT (MQTT 5 section 3.14)
 *   body = [reason code, [properties]] in 5.0: a normal disconnection may be left out if there are no properties, and
 *          properties if there are none
 */

export function decodeDisconnect(reader: PacketReader): DisconnectPacket {
  const hasReason = reader.version === 5 && reader.remaining > 0;
  const reasonCode = hasReason ? reader.reasonCode(PacketType.disconnect) : ReasonCode.normalDisconnection;
  const hasProperties = hasReason && reader.remaining > 0;
  return { type: 'disconnect', reasonCode, properties: hasProperties ? readProperties(reader, 'disconnect') : {} };
}

export function encodeDisconnect(packet: DisconnectPacket, version: ProtocolVersion, out: ByteWriter): void {
  const hasProperties = Object.keys(packet.properties).length > 0;
  if (version !== 5 || (packet.reasonCode === ReasonCode.normalDisconnection && !hasProperties)) return;
  out.byte(packet.reasonCode);
  if (hasProperties) writeProperties(out, version, 'disconnect', packet.properties);
}
