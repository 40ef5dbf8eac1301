import { type AnyValue, type Attributes, SeverityNumber } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import { toHrTime } from './hr-time.ts';

type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

/** A line of the log as it is written: what is known of it here, and whatever fields its event has. */
type LogLine = Readonly<Record<string, unknown>>;

/** By the level's name: the first number of each range of the logs data model. */
const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** Lines of the log (JSON, one each) as an ExportLogsServiceRequest. Lines that are no JSON object become its body as they are. */
export function logsRequest(
  lines: readonly string[],
  now: number,
  resource: Resource,
  serviceVersion: string,
): Uint8Array {
  const instrumentationScope = { name: 'robustmq', version: serviceVersion };
  const records = lines.map((line) => logRecord(parsed(line), now, resource, instrumentationScope));
  return ProtobufLogsSerializer.serializeRequest(records) ?? new Uint8Array();
}

function logRecord(
  line: LogLine,
  now: number,
  resource: Resource,
  instrumentationScope: LogRecord['instrumentationScope'],
): LogRecord {
  const { level, time, event, message, trace_id, span_id, trace_flags, ...fields } = line;
  const writtenAt = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return {
    hrTime: toHrTime(Number.isNaN(writtenAt) ? now : writtenAt),
    hrTimeObserved: toHrTime(now),
    severityText: String(level ?? ''),
    severityNumber: SEVERITIES[String(level)] ?? SeverityNumber.UNSPECIFIED,
    body: String(message ?? ''),
    ...(typeof event === 'string' ? { eventName: event } : {}),
    ...(typeof trace_id === 'string' && typeof span_id === 'string'
      ? { spanContext: { traceId: trace_id, spanId: span_id, traceFlags: Number(trace_flags ?? 0) } }
      : {}),
    resource,
    instrumentationScope,
    attributes: attributesOf(fields),
    droppedAttributesCount: 0,
  };
}

function parsed(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as LogLine;
  } catch {
    // Taken as text below.
  }
  return { message: line.trimEnd() };
}

/** Null says nothing; an error, which the log writes as an object, goes by the conventions for exceptions. */
function attributesOf(fields: LogLine): Attributes {
  const entries = Object.entries(fields).flatMap(([key, value]): [string, AnyValue][] => {
    if (value === null) return [];
    if (key === 'error' && typeof value === 'object') return exceptionOf(value as LogLine);
    return [[key, typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : (value as AnyValue)]];
  });
  return Object.fromEntries(entries) as Attributes;
}

function exceptionOf({ type, message, stack }: LogLine): [string, AnyValue][] {
  const entries: [string, unknown][] = [
    ['exception.type', type],
    ['exception.message', message],
    ['exception.stacktrace', stack],
  ];
  return entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
