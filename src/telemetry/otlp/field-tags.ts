/*
 * Field numbers of opentelemetry-proto v1 as tags on the wire: number << 3 | type, where the type is 0 for a varint, 1 for
 * eight bytes, 2 for what has a length in front, 5 for four bytes (protobuf's encoding guide).
 */

const varint = (field: number): number => field << 3;
const fixed64 = (field: number): number => (field << 3) | 1;
const delimited = (field: number): number => (field << 3) | 2;
const fixed32 = (field: number): number => (field << 3) | 5;

/** collector/trace/v1/trace_service.proto */
export const REQUEST = { resourceSpans: delimited(1) } as const;
/** trace/v1/trace.proto, as the five below */
export const RESOURCE_SPANS = { resource: delimited(1), scopeSpans: delimited(2), schemaUrl: delimited(3) } as const;
export const SCOPE_SPANS = { scope: delimited(1), span: delimited(2), schemaUrl: delimited(3) } as const;
export const SPAN = {
  traceId: delimited(1),
  spanId: delimited(2),
  traceState: delimited(3),
  parentSpanId: delimited(4),
  name: delimited(5),
  kind: varint(6),
  startTime: fixed64(7),
  endTime: fixed64(8),
  attribute: delimited(9),
  droppedAttributes: varint(10),
  event: delimited(11),
  link: delimited(13),
  droppedLinks: varint(14),
  status: delimited(15),
  /** Two bytes of tag: a field number above 15. */
  flags: (fixed32(16) & 0x7f) | 0x80 | ((fixed32(16) >> 7) << 8),
} as const;
export const EVENT = { time: fixed64(1), name: delimited(2), attribute: delimited(3) } as const;
export const LINK = { traceId: delimited(1), spanId: delimited(2), flags: fixed32(6) } as const;
export const STATUS = { message: delimited(2), code: varint(3) } as const;
/** resource/v1/resource.proto */
export const RESOURCE = { attribute: delimited(1) } as const;
/** common/v1/common.proto, as the three below */
export const SCOPE = { name: delimited(1), version: delimited(2) } as const;
export const KEY_VALUE = { key: delimited(1), value: delimited(2) } as const;
export const ANY_VALUE = {
  string: delimited(1),
  boolean: varint(2),
  int: varint(3),
  double: fixed64(4),
  array: delimited(5),
} as const;
export const ARRAY_VALUE = { value: delimited(1) } as const;

/** `SpanFlags`, beside the trace flags in the lowest eight bits: whether the context is from elsewhere is known; it is. */
export const FLAGS = { sampled: 1, hasIsRemote: 0x100, isRemote: 0x200 } as const;
/** `STATUS_CODE_ERROR` */
export const STATUS_ERROR = 2;
