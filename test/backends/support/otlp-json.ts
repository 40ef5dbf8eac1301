import type { AttributeType } from '../../../src/telemetry/catalogue.ts';
import type { ReceivedAttributes, ReceivedSpan, ReceivedValue } from '../../../src/telemetry/testing/otlp-decoder.ts';

/** A span as a backend gives it back. */
export interface StoredSpan extends ReceivedSpan {
  /** Under which type each of its attributes, and of its events', was sent. */
  readonly types: Readonly<Record<string, AttributeType>>;
  /** Whether the parent's context came from outside the process. */
  readonly isParentRemote: boolean;
}

interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  /** A 64-bit number, as text. */
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
}
type JsonAttributes = readonly { readonly key: string; readonly value: JsonValue }[];

interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name: string;
  readonly kind?: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: JsonAttributes;
  readonly events?: readonly { readonly name: string; readonly attributes?: JsonAttributes }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** OTLP's TracesData as JSON: what is empty or zero is left out. */
interface TracesData {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes?: JsonAttributes };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly JsonSpan[] }[];
  }[];
}

/** As OTLP numbers them. */
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUSES = ['unset', 'ok', 'error'] as const;
/** SpanFlags: it is known whether the parent is remote, and it is. */
const REMOTE_PARENT = 0x300;

/** Every span in it, in the form in which the tests' own receiver gives them. */
export function spansIn({ resourceSpans = [] }: TracesData): StoredSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = attributesOf(resource.attributes);
    return scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => storedSpan(span, scope.name, attributes)));
  });
}

function storedSpan(span: JsonSpan, scope: string, resource: ReceivedAttributes): StoredSpan {
  const { attributes = [], events = [], links = [], status } = span;
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    traceState: span.traceState ?? '',
    isParentRemote: ((span.flags ?? 0) & REMOTE_PARENT) === REMOTE_PARENT,
    name: span.name,
    kind: KINDS[span.kind ?? 0] ?? String(span.kind),
    startedAt: Number(span.startTimeUnixNano) / 1e6,
    endedAt: Number(span.endTimeUnixNano) / 1e6,
    attributes: attributesOf(attributes),
    events: events.map((event) => ({ name: event.name, attributes: attributesOf(event.attributes) })),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    status: { code: STATUSES[status.code ?? 0] ?? String(status.code), message: status.message ?? '' },
    scope,
    resource,
    types: typesOf([...attributes, ...events.flatMap((event) => event.attributes ?? [])]),
  };
}

function attributesOf(attributes: JsonAttributes = []): ReceivedAttributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: JsonValue): ReceivedValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map((item) => item.stringValue ?? '');
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? '';
}

function typesOf(attributes: JsonAttributes): Record<string, AttributeType> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, typeOf(value)]));
}

function typeOf(value: JsonValue): AttributeType {
  if (value.intValue !== undefined) return 'int';
  if (value.doubleValue !== undefined) return 'double';
  if (value.boolValue !== undefined) return 'boolean';
  return value.arrayValue === undefined ? 'string' : 'string[]';
}
