import { ProtobufError, ProtobufReader, WIRE } from './protobuf-reader.ts';

/*
 * OTLP's messages for traces (opentelemetry-proto v1), as tables: what stands under a field number, and what becomes of it in
 * OTLP/JSON (OTLP specification, "JSON Protobuf Encoding"): names in lowerCamelCase, ids in hex, enums as numbers, integers
 * of 64 bits as strings.
 */

type Scalar = 'text' | 'hex' | 'base64' | 'boolean' | 'enum' | 'uint32' | 'int64' | 'fixed64' | 'fixed32' | 'double';
type FieldType = Scalar | (() => Message);
interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isRepeated: boolean;
}
type Message = ReadonlyMap<number, Field>;

const WIRE_TYPES: Readonly<Record<Scalar, number>> = {
  text: WIRE.delimited,
  hex: WIRE.delimited,
  base64: WIRE.delimited,
  boolean: WIRE.varint,
  enum: WIRE.varint,
  uint32: WIRE.varint,
  int64: WIRE.varint,
  fixed64: WIRE.fixed64,
  fixed32: WIRE.fixed32,
  double: WIRE.fixed64,
};

const one = (name: string, type: FieldType): Field => ({ name, type, isRepeated: false });
const many = (name: string, type: FieldType): Field => ({ name, type, isRepeated: true });
const message = (fields: Readonly<Record<number, Field>>): Message =>
  new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));

const ANY_VALUE: Message = message({
  1: one('stringValue', 'text'),
  2: one('boolValue', 'boolean'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', () => ARRAY_VALUE),
  6: one('kvlistValue', () => KEY_VALUE_LIST),
  7: one('bytesValue', 'base64'),
});
const KEY_VALUE = message({ 1: one('key', 'text'), 2: one('value', () => ANY_VALUE) });
const ARRAY_VALUE = message({ 1: many('values', () => ANY_VALUE) });
const KEY_VALUE_LIST = message({ 1: many('values', () => KEY_VALUE) });
const attributes = many('attributes', () => KEY_VALUE);
const droppedAttributes = one('droppedAttributesCount', 'uint32');

const SCOPE = message({ 1: one('name', 'text'), 2: one('version', 'text'), 3: attributes, 4: droppedAttributes });
const RESOURCE = message({ 1: attributes, 2: droppedAttributes });
const EVENT = message({
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'text'),
  3: attributes,
  4: droppedAttributes,
});
const LINK = message({
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'text'),
  4: attributes,
  5: droppedAttributes,
  6: one('flags', 'fixed32'),
});
const STATUS = message({ 2: one('message', 'text'), 3: one('code', 'enum') });
const SPAN = message({
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'text'),
  4: one('parentSpanId', 'hex'),
  5: one('name', 'text'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: attributes,
  10: droppedAttributes,
  11: many('events', () => EVENT),
  12: one('droppedEventsCount', 'uint32'),
  13: many('links', () => LINK),
  14: one('droppedLinksCount', 'uint32'),
  15: one('status', () => STATUS),
  16: one('flags', 'fixed32'),
});
const SCOPE_SPANS = message({
  1: one('scope', () => SCOPE),
  2: many('spans', () => SPAN),
  3: one('schemaUrl', 'text'),
});
const RESOURCE_SPANS = message({
  1: one('resource', () => RESOURCE),
  2: many('scopeSpans', () => SCOPE_SPANS),
  3: one('schemaUrl', 'text'),
});
const REQUEST = message({ 1: many('resourceSpans', () => RESOURCE_SPANS) });

/** As much of OTLP/JSON as is read here again. What a message does not say, and repeats nothing of, is not there. */
export interface JsonRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly JsonKeyValue[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly JsonSpan[] }[];
  }[];
}
export interface JsonSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly attributes?: readonly JsonKeyValue[];
  readonly events?: readonly {
    readonly name?: string;
    readonly timeUnixNano?: string;
    readonly attributes?: readonly JsonKeyValue[];
  }[];
  readonly links?: readonly { readonly traceId?: string; readonly spanId?: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
export interface JsonKeyValue {
  readonly key?: string;
  readonly value?: JsonAnyValue;
}
export interface JsonAnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values?: readonly JsonAnyValue[] };
}

export type ReadRequest =
  | { readonly type: 'readable'; readonly json: JsonRequest }
  | { readonly type: 'unreadable'; readonly message: string };

/** An ExportTraceServiceRequest as OTLP/JSON. Unknown fields are left out. */
export function readableOtlpJson(bytes: Uint8Array): ReadRequest {
  try {
    return { type: 'readable', json: decoded(bytes, REQUEST) };
  } catch (error) {
    if (error instanceof ProtobufError) return { type: 'unreadable', message: error.message };
    throw error;
  }
}

function decoded(bytes: Uint8Array, type: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    const field = type.get(reader.field);
    const wireType = typeof field?.type === 'string' ? WIRE_TYPES[field.type] : WIRE.delimited;
    if (field === undefined || wireType !== reader.wireType) {
      reader.skip();
      continue;
    }
    const value =
      typeof field.type === 'string' ? scalar(reader, field.type) : decoded(reader.delimited(), field.type());
    if (!field.isRepeated) result[field.name] = value;
    else if (result[field.name] === undefined) result[field.name] = [value];
    else (result[field.name] as unknown[]).push(value);
  }
  return result;
}

function scalar(reader: ProtobufReader, type: Scalar): unknown {
  switch (type) {
    case 'text':
      return reader.delimited().toString('utf8');
    case 'hex':
      return reader.delimited().toString('hex');
    case 'base64':
      return reader.delimited().toString('base64');
    case 'boolean':
      return reader.varint() !== 0n;
    case 'enum':
    case 'uint32':
      return Number(BigInt.asUintN(32, reader.varint()));
    case 'int64':
      return String(BigInt.asIntN(64, reader.varint()));
    case 'fixed64':
      return String(reader.fixed64());
    case 'fixed32':
      return reader.fixed32();
    case 'double':
      return jsonNumber(reader.double());
  }
}

/** JSON has no numbers for these: protobuf's mapping writes them as strings. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
