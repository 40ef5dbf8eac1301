import { ATTRIBUTES, type AttributeDefinition, type Role } from '../../catalogue.ts';
import type { ShownSpan, ShownValue } from '../../testing/shown-span.ts';

function expectedSpan(span: ShownSpan): unknown {
  const endTime = unixNano(span.endedAt);
  return {
    traceId: bytes(span.traceId),
    spanId: bytes(span.spanId),
    traceState: span.traceState,
    parentSpanId: bytes(span.parentSpanId ?? ''),
    flags: span.isParentRemote ? 0x301 : 0x101,
    name: span.definition.name,
    kind: span.definition.kind,
    startTimeUnixNano: unixNano(span.startedAt),
    endTimeUnixNano: endUnixNano(span),
    attributes: span.attributes.map(([attribute, value]) => keyValue(attribute, value)),
    droppedAttributesCount: span.droppedAttributes,
    events: span.exception === undefined ? [] : [expectedEvent(span.exception, endTime)],
    droppedEventsCount: 0,
    links: span.links.map(({ traceId, spanId, isSampled }) => ({
      traceId: bytes(traceId),
      spanId: bytes(spanId),
      traceState: '',
      attributes: [],
      droppedAttributesCount: 0,
      flags: isSampled ? 0x301 : 0x300,
    })),
    droppedLinksCount: span.droppedLinks,
    status: span.failure === undefined ? null : { message: span.failure, code: 'error' },
  };
}

/**
 * What a decoder must say (decodeFields) of a request with spans that were shown: OTLP written down once more, from its
 * specification. Each role's spans lie below its own resource.
 */
export function expectedRequest(
  spans: readonly ShownSpan[],
  resourceOf: (role: Role) => readonly unknown[],
  version: string,
  schemaUrl: string,
): unknown {
  const roles = (['broker', 'placement', 'journal'] as const).filter((role) =>
    spans.some(({ definition }) => definition.role === role),
  );
  return {
    resourceSpans: roles.map((role) => ({
      resource: { attributes: resourceOf(role), droppedAttributesCount: 0 },
      scopeSpans: [
        {
          scope: { name: 'robustmq', version },
          spans: spans.filter(({ definition }) => definition.role === role).map(expectedSpan),
          schemaUrl,
        },
      ],
      schemaUrl,
    })),
  };
}

/** A span that took no time ends a nanosecond later: backends warn of those. */
export function endUnixNano({ startedAt, endedAt }: Pick<ShownSpan, 'startedAt' | 'endedAt'>): string {
  return endedAt > startedAt ? unixNano(endedAt) : String(BigInt(unixNano(startedAt)) + 1n);
}

/** Nanoseconds in decimal: the second exactly, and the rest of it to the nearest. */
export function unixNano(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  return String(BigInt(second) * 1_000_000_000n + BigInt(Math.round((milliseconds - second * 1000) * 1e6)));
}

function expectedEvent({ type, message, stacktrace }: NonNullable<ShownSpan['exception']>, time: string): unknown {
  return {
    timeUnixNano: time,
    name: 'exception',
    attributes: [
      keyValue(ATTRIBUTES.exceptionType, type),
      keyValue(ATTRIBUTES.exceptionMessage, message),
      ...(stacktrace === '' ? [] : [keyValue(ATTRIBUTES.exceptionStacktrace, stacktrace)]),
    ],
    droppedAttributesCount: 0,
  };
}

function keyValue({ key, type }: AttributeDefinition, value: ShownValue): unknown {
  return { key, value: anyValue(type, value) };
}

function anyValue(type: AttributeDefinition['type'], value: ShownValue): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'object') return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } };
  if (type === 'boolean') return { boolValue: value === 1 };
  const isInt = type === 'int' && Number.isInteger(value) && BigInt(value) === BigInt.asIntN(64, BigInt(value));
  return isInt ? { intValue: String(BigInt(value)) } : { doubleValue: value };
}

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}
