import type { ProtocolVersion } from '../packets.ts';
import {
  allowedProperties,
  type NamedProperty,
  PROPERTIES,
  type PropertiesOf,
  type PropertyCarrier,
  type PropertyName,
  type UserProperty,
  WireType,
} from '../property.ts';
import { ReasonCode, reasonName } from '../reason-code.ts';
import { type ByteWriter, SizeCounter } from './byte-writer.ts';
import { DecodeFailure, malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';

/*
 * properties = length (varint), { identifier (varint, but all are below 0x80: one byte), value }*     (MQTT 5 section 2.2.2)
 */

type Value = number | string | Uint8Array | UserProperty;
/** Properties of whatever carrier; the table says which names and types are in it. */
type PropertyBag = { [Name in PropertyName]?: Value | Value[] };

/** Reads a carrier's properties; 3.1.1 has none and the reader stays where it is. */
export function readProperties<Carrier extends PropertyCarrier>(
  reader: PacketReader,
  carrier: Carrier,
): PropertiesOf<Carrier> {
  const bag: PropertyBag = {};
  if (reader.version === 5) {
    const block = reader.block(reader.variableByteInteger());
    while (block.remaining > 0) readProperty(block, carrier, bag);
  }
  return bag as PropertiesOf<Carrier>;
}

function readProperty(block: PacketReader, carrier: PropertyCarrier, bag: PropertyBag): void {
  const id = block.byte();
  const property = allowedProperties(carrier).find((allowed) => allowed.id === id);
  if (property === undefined) throw malformed(`property ${id} is not one of ${carrier}'s (section 2.2.2.2)`);
  const value = readValue(block, property);
  if (property.repeatable) {
    const earlier = bag[property.name] as Value[] | undefined;
    if (earlier === undefined) bag[property.name] = [value];
    else earlier.push(value);
    return;
  }
  if (bag[property.name] !== undefined) throw protocolError(`${property.name} occurs more than once`);
  bag[property.name] = value;
}

function readValue(block: PacketReader, property: NamedProperty): Value {
  switch (property.type) {
    case WireType.byte:
      return bounded(property, block.byte());
    case WireType.twoByteInteger:
      return bounded(property, block.twoByteInteger());
    case WireType.fourByteInteger:
      return bounded(property, block.fourByteInteger());
    case WireType.variableByteInteger:
      return bounded(property, block.variableByteInteger());
    case WireType.utf8String:
      // [MQTT-3.3.2-14] [MQTT-3.1.3-16] no wildcards in a response topic.
      return property.id === PROPERTIES.responseTopic.id ? block.topicName() : block.string();
    case WireType.binaryData:
      return block.binaryData();
    case WireType.utf8StringPair:
      return [block.string(), block.string()];
  }
}

function bounded(property: NamedProperty, value: number): number {
  if (value < (property.minimum ?? 0) || value > (property.maximum ?? Number.POSITIVE_INFINITY)) {
    const reason = reasonName(property.outside ?? ReasonCode.protocolError);
    throw new DecodeFailure(reason, `${property.name} must not be ${value}`);
  }
  return value;
}

/** Writes a carrier's properties with their length, in the table's order; nothing in 3.1.1, which has none. */
export function writeProperties<Carrier extends PropertyCarrier>(
  out: ByteWriter,
  version: ProtocolVersion,
  carrier: Carrier,
  properties: PropertiesOf<Carrier>,
): void {
  if (version !== 5) return;
  const counter = new SizeCounter();
  writeAll(counter, carrier, properties);
  out.variableByteInteger(counter.size);
  writeAll(out, carrier, properties);
}

function writeAll(out: ByteWriter, carrier: PropertyCarrier, bag: PropertyBag): void {
  for (const property of allowedProperties(carrier)) {
    const value = bag[property.name];
    if (value === undefined) continue;
    const values = property.repeatable ? (value as Value[]) : [value as Value];
    for (const single of values) {
      out.byte(property.id);
      writeValue(out, property.type, single);
    }
  }
}

function writeValue(out: ByteWriter, type: WireType, value: Value): void {
  switch (type) {
    case WireType.byte:
      out.byte(value as number);
      break;
    case WireType.twoByteInteger:
      out.twoByteInteger(value as number);
      break;
    case WireType.fourByteInteger:
      out.fourByteInteger(value as number);
      break;
    case WireType.variableByteInteger:
      out.variableByteInteger(value as number);
      break;
    case WireType.utf8String:
      out.string(value as string);
      break;
    case WireType.binaryData:
      out.binaryData(value as Uint8Array);
      break;
    case WireType.utf8StringPair: {
      const [name, text] = value as UserProperty;
      out.string(name);
      out.string(text);
      break;
    }
  }
}
