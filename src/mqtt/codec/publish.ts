import type { ProtocolVersion, PublishPacket, Qos } from '../packets.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * PUBLISH (MQTT 5 section 3.3), either way. What a client sends the broker reads with parse-publish.ts instead.
 *   header byte = 0011 dup qos(2) retain
 *   body        = topic name (string), [packet identifier if qos > 0], [properties in 5.0], payload (rest)
 */

export function decodePublish(reader: PacketReader, headerByte: number): PublishPacket {
  const qos = (headerByte >> 1) & 0b11;
  const duplicate = (headerByte & 0b1000) !== 0;
  if (qos === 3) throw malformed('QoS 3 [MQTT-3.3.1-4]');
  if (qos === 0 && duplicate) throw malformed('a duplicate at QoS 0 [MQTT-3.3.1-2]');
  const topic = reader.topicName(true);
  const packetId = qos === 0 ? 0 : reader.packetId();
  const properties = readProperties(reader, 'publish');
  if (topic === '' && properties.topicAlias === undefined) {
    if (reader.version === 5) throw protocolError('neither a topic nor an alias (section 3.3.2.1)');
    throw malformed('an empty topic [MQTT-4.7.3-1]');
  }
  return {
    type: 'publish',
    topic,
    payload: reader.bytes(reader.remaining),
    qos: qos as Qos,
    retain: (headerByte & 1) !== 0,
    duplicate,
    packetId,
    properties,
  };
}

export function publishHeaderFlags({ duplicate, qos, retain }: PublishPacket): number {
  return (duplicate ? 0b1000 : 0) | (qos << 1) | (retain ? 1 : 0);
}

export function encodePublish(packet: PublishPacket, version: ProtocolVersion, out: ByteWriter): void {
  out.string(packet.topic);
  if (packet.qos > 0) out.twoByteInteger(packet.packetId);
  writeProperties(out, version, 'publish', packet.properties);
  out.bytes(packet.payload);
}
