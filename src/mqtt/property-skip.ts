import { allowedProperties, WireType } from './property.ts';
import { readVariableByteInteger, variableByteIntegerSize } from './variable-byte-integer.ts';

/** Wire type by property identifier; 0 for what a PUBLISH may not carry. */
export const PUBLISH_WIRE_TYPES = new Uint8Array(256);
for (const property of allowedProperties('publish')) PUBLISH_WIRE_TYPES[property.id] = property.type;

/** Where the value of a property that begins at `at` ends; -1 where it is cut or its varint is malformed. */
export function propertyValueEnd(buffer: Uint8Array, type: WireType, at: number, end: number): number {
  switch (type) {
    case WireType.byte:
      return within(at + 1, end);
    case WireType.twoByteInteger:
      return within(at + 2, end);
    case WireType.fourByteInteger:
      return within(at + 4, end);
    case WireType.variableByteInteger: {
      const value = readVariableByteInteger(buffer, at, end);
      return value < 0 ? -1 : at + variableByteIntegerSize(value);
    }
    case WireType.utf8String:
    case WireType.binaryData:
      return prefixedEnd(buffer, at, end);
    case WireType.utf8StringPair: {
      const nameEnd = prefixedEnd(buffer, at, end);
      return nameEnd === -1 ? -1 : prefixedEnd(buffer, nameEnd, end);
    }
  }
}

/** Where a field with a two byte length in front ends; -1 where it is cut. */
export function prefixedEnd(buffer: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  return within(at + 2 + ((buffer[at]! << 8) | buffer[at + 1]!), end);
}

function within(position: number, end: number): number {
  return position > end ? -1 : position;
}
