import { PacketType } from '../packet-type.ts';
import type { ProtocolVersion, UnsubackPacket, UnsubscribePacket } from '../packets.ts';
import type { ReasonCode } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import { protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';
import { readTopicFilter } from './topic-filter.ts';

/*
 * UNSUBSCRIBE (MQTT 5 section 3.10)
 *   body = packet identifier, [properties in 5.0], { topic filter (string) }+
 * UNSUBACK (section 3.11)
 *   body = packet identifier, [properties, { reason code (byte) }+ in 5.0]
 */

export function decodeUnsubscribe(reader: PacketReader): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'unsubscribe');
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(readTopicFilter(reader).text);
  if (filters.length === 0) throw protocolError('UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]');
  return { type: 'unsubscribe', packetId, filters, properties };
}

export function encodeUnsubscribe(packet: UnsubscribePacket, version: ProtocolVersion, out: ByteWriter): void {
  out.twoByteInteger(packet.packetId);
  writeProperties(out, version, 'unsubscribe', packet.properties);
  for (const filter of packet.filters) out.string(filter);
}

export function decodeUnsuback(reader: PacketReader): UnsubackPacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'unsuback');
  const reasonCodes: ReasonCode[] = [];
  if (reader.version === 5) {
    while (reader.remaining > 0) reasonCodes.push(reader.reasonCode(PacketType.unsuback));
    if (reasonCodes.length === 0) throw protocolError('UNSUBACK without a reason code [MQTT-3.11.3-1]');
  }
  return { type: 'unsuback', packetId, reasonCodes, properties };
}

export function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion, out: ByteWriter): void {
  out.twoByteInteger(packet.packetId);
  writeProperties(out, version, 'unsuback', packet.properties);
  if (version !== 5) return;
  for (const code of packet.reasonCodes) out.byte(code);
}
