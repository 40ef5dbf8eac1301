import { copyBytes } from './copy-bytes.ts';
import { frameSize } from './frame.ts';
import { PacketType } from './packet-type.ts';
import type { ProtocolVersion } from './packets.ts';
import { prefixedEnd } from './property-skip.ts';
import { variableByteIntegerSize, writeVariableByteInteger } from './variable-byte-integer.ts';

/** Bytes of a whole PUBLISH. `propertiesLength` counts the properties alone, without their length prefix; 0 in 3.1.1. */
export function publishSize(
  version: ProtocolVersion,
  topicLength: number,
  qos: number,
  propertiesLength: number,
  payloadLength: number,
): number {
  return frameSize(remainingLength(version, topicLength, qos, propertiesLength, payloadLength));
}

function remainingLength(
  version: ProtocolVersion,
  topicLength: number,
  qos: number,
  propertiesLength: number,
  payloadLength: number,
): number {
  const block = version === 5 ? variableByteIntegerSize(propertiesLength) + propertiesLength : 0;
  return 2 + topicLength + (qos > 0 ? 2 : 0) + block + payloadLength;
}

/**
 * Writes a PUBLISH and returns the position after it. `headerFlags` is the low nibble: dup, qos, retain. Properties
 * are encoded already: `extraProperties` goes in front of the range of `properties`; both are left out in 3.1.1.
 */
export function writePublish(
  out: Uint8Array,
  at: number,
  version: ProtocolVersion,
  headerFlags: number,
  topic: Uint8Array,
  packetId: number,
  extraProperties: Uint8Array | undefined,
  properties: Uint8Array,
  propertiesStart: number,
  propertiesEnd: number,
  payload: Uint8Array,
  payloadStart: number,
  payloadEnd: number,
): number {
  const qos = (headerFlags >> 1) & 0b11;
  const extraLength = extraProperties === undefined ? 0 : extraProperties.length;
  const propertiesLength = extraLength + propertiesEnd - propertiesStart;
  const payloadLength = payloadEnd - payloadStart;

  out[at] = (PacketType.publish << 4) | headerFlags;
  let position = writeVariableByteInteger(
    out,
    at + 1,
    remainingLength(version, topic.length, qos, propertiesLength, payloadLength),
  );
  out[position++] = topic.length >> 8;
  out[position++] = topic.length & 0xff;
  position = copyBytes(topic, 0, topic.length, out, position);
  if (qos > 0) position = patchPacketId(out, position, packetId);
  if (version === 5) {
    position = writeVariableByteInteger(out, position, propertiesLength);
    if (extraProperties !== undefined) position = copyBytes(extraProperties, 0, extraLength, out, position);
    position = copyBytes(properties, propertiesStart, propertiesEnd, out, position);
  }
  return copyBytes(payload, payloadStart, payloadEnd, out, position);
}

/**
 * Where the packet identifier lies in the encoded PUBLISH (QoS above 0) that begins at `at`, so that one encoding can be
 * copied to many subscribers and given each one's identifier.
 */
export function packetIdPosition(encoded: Uint8Array, at: number): number {
  let position = at + 1;
  while (encoded[position]! > 0x7f) position++;
  return prefixedEnd(encoded, position + 1, encoded.length);
}

/** Returns the position after the identifier. */
export function patchPacketId(out: Uint8Array, position: number, packetId: number): number {
  out[position] = packetId >> 8;
  out[position + 1] = packetId & 0xff;
  return position + 2;
}
