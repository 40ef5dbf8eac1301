import { PacketType } from '../packet-type.ts';
import type { ProtocolVersion, Qos, SubackPacket, SubscribePacket, Subscription } from '../packets.ts';
import { ReasonCode } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';
import { readTopicFilter } from './topic-filter.ts';

/*
 * SUBSCRIBE (MQTT 5 section 3.8)
 *   body    = packet identifier, [properties in 5.0], { topic filter (string), options (byte) }+
 *   options = reserved (2), retain handling (2), retain as published, no local, qos (2); only qos in 3.1.1
 * SUBACK (section 3.9)
 *   body    = packet identifier, [properties in 5.0], { reason code (byte) }+, one for each filter
 */
const Option = {
  qos: 0x03,
  noLocal: 0x04,
  retainAsPublished: 0x08,
  retainHandling: 0x30,
  reserved: 0xc0,
} as const;
const RETAIN_HANDLING_SHIFT = 4;

export function decodeSubscribe(reader: PacketReader): SubscribePacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'subscribe');
  const subscriptions: Subscription[] = [];
  while (reader.remaining > 0) subscriptions.push(readSubscription(reader));
  if (subscriptions.length === 0) throw protocolError('SUBSCRIBE without a topic filter [MQTT-3.8.3-2]');
  return { type: 'subscribe', packetId, subscriptions, properties };
}

function readSubscription(reader: PacketReader): Subscription {
  const parsed = readTopicFilter(reader);
  const options = reader.byte();
  if (options & (reader.version === 5 ? Option.reserved : ~Option.qos)) {
    throw malformed('reserved subscription options are set [MQTT-3.8.3-5] [MQTT-3-8.3-4 of 3.1.1]');
  }
  const qos = options & Option.qos;
  if (qos === 3) {
    // Section 3.8.3.1 calls it a protocol error, 3.1.1 malformed [MQTT-3-8.3-4 of 3.1.1].
    throw reader.version === 5 ? protocolError('subscription QoS 3') : malformed('subscription QoS 3');
  }
  const retainHandling = (options & Option.retainHandling) >> RETAIN_HANDLING_SHIFT;
  if (retainHandling === 3) throw protocolError('retain handling 3 (section 3.8.3.1)');
  const noLocal = (options & Option.noLocal) !== 0;
  if (noLocal && parsed.shared) throw protocolError('no local on a shared subscription [MQTT-3.8.3-4]');
  return {
    filter: parsed.text,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & Option.retainAsPublished) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

export function encodeSubscribe(packet: SubscribePacket, version: ProtocolVersion, out: ByteWriter): void {
  out.twoByteInteger(packet.packetId);
  writeProperties(out, version, 'subscribe', packet.properties);
  for (const subscription of packet.subscriptions) {
    out.string(subscription.filter);
    out.byte(version === 5 ? optionsOf(subscription) : subscription.qos);
  }
}

function optionsOf({ qos, noLocal, retainAsPublished, retainHandling }: Subscription): number {
  return (
    qos |
    (noLocal ? Option.noLocal : 0) |
    (retainAsPublished ? Option.retainAsPublished : 0) |
    (retainHandling << RETAIN_HANDLING_SHIFT)
  );
}

export function decodeSuback(reader: PacketReader): SubackPacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'suback');
  const reasonCodes: ReasonCode[] = [];
  while (reader.remaining > 0) {
    const reasonCode = reader.reasonCode(PacketType.suback);
    if (reader.version !== 5 && reasonCode > ReasonCode.unspecifiedError) {
      throw protocolError('a reserved SUBACK return code [MQTT-3.9.3-2 of 3.1.1]');
    }
    reasonCodes.push(reasonCode);
  }
  if (reasonCodes.length === 0) throw protocolError('SUBACK without a reason code [MQTT-3.9.3-1]');
  return { type: 'suback', packetId, reasonCodes, properties };
}

export function encodeSuback(packet: SubackPacket, version: ProtocolVersion, out: ByteWriter): void {
  out.twoByteInteger(packet.packetId);
  writeProperties(out, version, 'suback', packet.properties);
  for (const code of packet.reasonCodes) {
    // 3.1.1 has one failure only (section 3.9.3).
    out.byte(version === 5 ? code : Math.min(code, ReasonCode.unspecifiedError));
  }
}
