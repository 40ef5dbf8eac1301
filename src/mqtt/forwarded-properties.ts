import { copyBytes } from './copy-bytes.ts';
import { PROPERTIES, type WireType } from './property.ts';
import { PUBLISH_WIRE_TYPES, propertyValueEnd } from './property-skip.ts';
import { writeVariableByteInteger } from './variable-byte-integer.ts';

/** Of one hop: an alias belongs to a connection, expiry counts down, identifiers belong to a subscription. */
function isHopProperty(id: number): boolean {
  return (
    id === PROPERTIES.topicAlias.id ||
    id === PROPERTIES.messageExpiryInterval.id ||
    id === PROPERTIES.subscriptionIdentifiers.id
  );
}

/**
 * Copies a PUBLISH's validated property block (without its length) but for the properties of one hop; the others stay
 * unaltered and in order [MQTT-3.3.2-17] [MQTT-3.3.2-18]. Returns the position after what was written, at most
 * `end - start` bytes.
 */
export function copyForwardedProperties(
  source: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  return copyBut(isHopProperty, source, start, end, out, at);
}

/** Copies a validated property block but for the user properties of that name; else like `copyForwardedProperties`. */
export function copyWithoutUserProperty(
  source: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  out: Uint8Array,
  at: number,
): number {
  const isLeftOut = (id: number, value: number): boolean =>
    id === PROPERTIES.userProperties.id && isNamed(source, value, name);
  return copyBut(isLeftOut, source, start, end, out, at);
}

/** Whole runs between the properties that `isLeftOut` (asked by id and position of the value) are copied at once. */
function copyBut(
  isLeftOut: (id: number, value: number) => boolean,
  source: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let written = at;
  let runStart = start;
  let position = start;
  while (position < end) {
    const id = source[position]!;
    const next = propertyValueEnd(source, PUBLISH_WIRE_TYPES[id]! as WireType, position + 1, end);
    if (isLeftOut(id, position + 1)) {
      written = copyBytes(source, runStart, position, out, written);
      runStart = next;
    }
    position = next;
  }
  return copyBytes(source, runStart, end, out, written);
}

/** Whether the user property whose value begins at `at` has that name. */
export function isNamed(source: Uint8Array, at: number, name: Uint8Array): boolean {
  if (((source[at]! << 8) | source[at + 1]!) !== name.length) return false;
  return name.every((byte, index) => source[at + 2 + index] === byte);
}

/** Bytes that `writeUserProperty` writes. */
export function userPropertySize(nameLength: number, valueLength: number): number {
  return 5 + nameLength + valueLength;
}

/** Each of the writers below returns the position after the property. */
export function writeUserProperty(out: Uint8Array, at: number, name: Uint8Array, value: Uint8Array): number {
  out[at] = PROPERTIES.userProperties.id;
  return writePrefixed(out, writePrefixed(out, at + 1, name), value);
}

/** 5 bytes. */
export function writeMessageExpiry(out: Uint8Array, at: number, seconds: number): number {
  out[at] = PROPERTIES.messageExpiryInterval.id;
  return writeTwoBytes(out, writeTwoBytes(out, at + 1, seconds >>> 16), seconds & 0xffff);
}

/** 2 to 5 bytes. */
export function writeSubscriptionIdentifier(out: Uint8Array, at: number, identifier: number): number {
  out[at] = PROPERTIES.subscriptionIdentifiers.id;
  return writeVariableByteInteger(out, at + 1, identifier);
}

/** 3 bytes. */
export function writeTopicAlias(out: Uint8Array, at: number, alias: number): number {
  out[at] = PROPERTIES.topicAlias.id;
  return writeTwoBytes(out, at + 1, alias);
}

function writeTwoBytes(out: Uint8Array, at: number, value: number): number {
  out[at] = value >> 8;
  out[at + 1] = value & 0xff;
  return at + 2;
}

function writePrefixed(out: Uint8Array, at: number, bytes: Uint8Array): number {
  return copyBytes(bytes, 0, bytes.length, out, writeTwoBytes(out, at, bytes.length));
}
