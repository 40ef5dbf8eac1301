import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

export type ReceivedValue = string | number | boolean | readonly string[];
export type ReceivedAttributes = Readonly<Record<string, ReceivedValue>>;

/** A span as a collector sees it. Ids in hex, times in Unix milliseconds. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where the span has no parent. */
  readonly parentSpanId: string;
  /** W3C `tracestate`; empty where there is none. */
  readonly traceState: string;
  readonly name: string;
  readonly kind: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: ReceivedAttributes;
  readonly events: readonly { readonly name: string; readonly attributes: ReceivedAttributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code: string; readonly message: string };
  readonly scope: string;
  readonly resource: ReceivedAttributes;
}

interface RawKeyValue {
  readonly key: string;
  readonly value?: {
    readonly stringValue?: string;
    readonly boolValue?: boolean;
    readonly intValue?: number;
    readonly doubleValue?: number;
    readonly arrayValue?: { readonly values: readonly { readonly stringValue: string }[] };
  };
}
interface RawSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly RawKeyValue[];
  readonly events: readonly { readonly name: string; readonly attributes: readonly RawKeyValue[] }[];
  readonly links: readonly { readonly traceId: Uint8Array; readonly spanId: Uint8Array }[];
  readonly status: { readonly code: string; readonly message: string } | null;
}
interface RawRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly RawKeyValue[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly RawSpan[] }[];
  }[];
}

const schema = protobuf.parse(readFileSync(new URL('./otlp-trace.proto', import.meta.url), 'utf8')).root;
const requestType = schema.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');

/** Decodes an ExportTraceServiceRequest, throwing where the bytes are none. */
export function decodeExportRequest(bytes: Uint8Array): ReceivedSpan[] {
  const request = decodeFields(bytes) as RawRequest;
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = attributesOf(resource.attributes);
    return scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => toReceived(span, scope.name, attributes)));
  });
}

/** Every field of the request by its name in the .proto, those with their default too; integers of 64 bits in decimal. */
export function decodeFields(bytes: Uint8Array): unknown {
  return requestType.toObject(requestType.decode(Buffer.from(bytes)), {
    enums: String,
    longs: String,
    defaults: true,
    arrays: true,
    oneofs: false,
  });
}

function toReceived(span: RawSpan, scope: string, resource: ReceivedAttributes): ReceivedSpan {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState: span.traceState,
    name: span.name,
    kind: span.kind,
    startedAt: Number(span.startTimeUnixNano) / 1e6,
    endedAt: Number(span.endTimeUnixNano) / 1e6,
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({ name: event.name, attributes: attributesOf(event.attributes) })),
    links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
    status: span.status ?? { code: 'unset', message: '' },
    scope,
    resource,
  };
}

function attributesOf(attributes: readonly RawKeyValue[]): ReceivedAttributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, attributeValue(value)]));
}

function attributeValue(value: RawKeyValue['value']): ReceivedValue {
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map((item) => item.stringValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue ?? '';
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
