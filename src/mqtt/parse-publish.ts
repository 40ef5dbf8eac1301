import type { ProtocolVersion } from './packets.ts';
import { allowedProperties, PROPERTIES, type WireType } from './property.ts';
import { PUBLISH_WIRE_TYPES, prefixedEnd, propertyValueEnd } from './property-skip.ts';
import type { PublishView } from './publish-view.ts';
import { ReasonCode } from './reason-code.ts';
import { validateTopicName } from './topic.ts';
import { isWellFormedUtf8 } from './utf8.ts';
import { readVariableByteInteger, variableByteIntegerSize } from './variable-byte-integer.ts';

/*
 * PUBLISH (MQTT 5 section 3.3)
 *   header byte = 0011 dup qos(2) retain
 *   body        = topic name (string), [packet identifier (two bytes) if qos > 0], [properties in 5.0], payload (rest)
 *   properties  = length (varint), { identifier, value }*
 */

const PAYLOAD_FORMAT = PROPERTIES.payloadFormatIndicator.id;
const MESSAGE_EXPIRY = PROPERTIES.messageExpiryInterval.id;
const CONTENT_TYPE = PROPERTIES.contentType.id;
const RESPONSE_TOPIC = PROPERTIES.responseTopic.id;
const SUBSCRIPTION_IDENTIFIER = PROPERTIES.subscriptionIdentifiers.id;
const TOPIC_ALIAS = PROPERTIES.topicAlias.id;
const USER_PROPERTY = PROPERTIES.userProperties.id;

/** One bit for each property that may occur only once; 0 for the others. */
const ONCE_BITS = new Uint8Array(256);
let nextBit = 1;
for (const property of allowedProperties('publish')) {
  if (property.repeatable) continue;
  ONCE_BITS[property.id] = nextBit;
  nextBit <<= 1;
}

const TRACEPARENT = Buffer.from('traceparent');

/**
 * Reads a PUBLISH that a client sent, where it lies, without allocating. Returns `success` or the reason to disconnect
 * with; the view is then not to be used. The topic's characters are not looked at: see `validateTopicName`.
 */
export function parsePublish(
  buffer: Uint8Array,
  headerByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  view: PublishView,
): ReasonCode {
  const qos = (headerByte >> 1) & 0b11;
  const duplicate = (headerByte & 0b1000) !== 0;
  if (qos === 3) return ReasonCode.malformedPacket; // [MQTT-3.3.1-4]
  if (qos === 0 && duplicate) return ReasonCode.malformedPacket; // [MQTT-3.3.1-2]
  view.qos = qos;
  view.duplicate = duplicate;
  view.retain = (headerByte & 1) !== 0;

  let position = prefixedEnd(buffer, bodyStart, end);
  if (position === -1) return ReasonCode.malformedPacket;
  view.topicStart = bodyStart + 2;
  view.topicEnd = position;

  view.packetId = 0;
  if (qos > 0) {
    if (position + 2 > end) return ReasonCode.malformedPacket;
    view.packetId = (buffer[position]! << 8) | buffer[position + 1]!;
    if (view.packetId === 0) return ReasonCode.protocolError; // [MQTT-2.2.1-3]
    position += 2;
  }

  resetProperties(view, position);
  if (version === 5) {
    const reason = parsePropertyBlock(buffer, position, end, view);
    if (reason !== ReasonCode.success) return reason;
    position = view.propertiesEnd;
  }
  if (view.topicStart === view.topicEnd && view.topicAlias === 0) {
    // Section 3.3.2.1: without an alias an empty topic is a protocol error; 3.1.1 has no alias [MQTT-4.7.3-1].
    return version === 5 ? ReasonCode.protocolError : ReasonCode.malformedPacket;
  }
  view.payloadStart = position;
  view.payloadEnd = end;
  return ReasonCode.success;
}

function resetProperties(view: PublishView, position: number): void {
  view.propertiesStart = position;
  view.propertiesEnd = position;
  view.topicAlias = 0;
  view.messageExpirySeconds = -1;
  view.payloadFormat = -1;
  view.traceparentStart = -1;
  view.traceparentEnd = -1;
  view.hasHopProperties = false;
}

function parsePropertyBlock(buffer: Uint8Array, at: number, end: number, view: PublishView): ReasonCode {
  const length = readVariableByteInteger(buffer, at, end);
  if (length < 0) return ReasonCode.malformedPacket;
  const blockStart = at + variableByteIntegerSize(length);
  const blockEnd = blockStart + length;
  if (blockEnd > end) return ReasonCode.malformedPacket;
  view.propertiesStart = blockStart;
  view.propertiesEnd = blockEnd;

  let seen = 0;
  let position = blockStart;
  while (position < blockEnd) {
    const id = buffer[position]!;
    const type = PUBLISH_WIRE_TYPES[id]!;
    // Section 2.2.2.2: an identifier that is not valid for the packet makes it malformed.
    if (type === 0) return ReasonCode.malformedPacket;
    const valueEnd = propertyValueEnd(buffer, type as WireType, position + 1, blockEnd);
    if (valueEnd === -1) return ReasonCode.malformedPacket;
    if ((seen & ONCE_BITS[id]!) !== 0) return ReasonCode.protocolError;
    seen |= ONCE_BITS[id]!;
    const reason = takeProperty(buffer, id, position + 1, valueEnd, view);
    if (reason !== ReasonCode.success) return reason;
    position = valueEnd;
  }
  return ReasonCode.success;
}

function takeProperty(buffer: Uint8Array, id: number, start: number, end: number, view: PublishView): ReasonCode {
  switch (id) {
    case USER_PROPERTY:
      return takeUserProperty(buffer, start, end, view);
    case TOPIC_ALIAS:
      view.topicAlias = (buffer[start]! << 8) | buffer[start + 1]!;
      view.hasHopProperties = true;
      return view.topicAlias === 0 ? ReasonCode.topicAliasInvalid : ReasonCode.success; // [MQTT-3.3.2-8]
    case MESSAGE_EXPIRY:
      view.messageExpirySeconds =
        buffer[start]! * 0x100_0000 + ((buffer[start + 1]! << 16) | (buffer[start + 2]! << 8) | buffer[start + 3]!);
      view.hasHopProperties = true;
      return ReasonCode.success;
    case PAYLOAD_FORMAT:
      view.payloadFormat = buffer[start]!;
      return view.payloadFormat > 1 ? ReasonCode.protocolError : ReasonCode.success;
    case CONTENT_TYPE:
      return isWellFormedUtf8(buffer, start + 2, end) ? ReasonCode.success : ReasonCode.malformedPacket; // [MQTT-3.3.2-19]
    case RESPONSE_TOPIC:
      return validateTopicName(buffer, start + 2, end); // [MQTT-3.3.2-13] [MQTT-3.3.2-14]
    case SUBSCRIPTION_IDENTIFIER:
      return ReasonCode.protocolError; // a server's only [MQTT-3.3.4-6]
    default:
      return ReasonCode.success; // Correlation Data: any bytes.
  }
}

function takeUserProperty(buffer: Uint8Array, start: number, end: number, view: PublishView): ReasonCode {
  const nameEnd = start + 2 + ((buffer[start]! << 8) | buffer[start + 1]!);
  if (!isWellFormedUtf8(buffer, start + 2, nameEnd) || !isWellFormedUtf8(buffer, nameEnd + 2, end)) {
    return ReasonCode.malformedPacket;
  }
  if (!isTraceparent(buffer, start + 2, nameEnd)) return ReasonCode.success;
  // Which of several is meant, nobody can say: empty, they are no trace context.
  view.traceparentEnd = view.traceparentStart === -1 ? end : nameEnd + 2;
  view.traceparentStart = nameEnd + 2;
  return ReasonCode.success;
}

function isTraceparent(buffer: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRACEPARENT.length) return false;
  for (let index = 0; index < TRACEPARENT.length; index++) {
    if (buffer[start + index] !== TRACEPARENT[index]) return false;
  }
  return true;
}
