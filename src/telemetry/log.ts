import { type DestinationStream, destination, pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { LogEventDefinition, LogLevel } from './catalogue.ts';
import { LogBudget } from './log-budget.ts';
import { textLine } from './log-text.ts';
import { hasTrace, isSampled, spanIdOf, traceIdOf } from './trace-context.ts';

export type LogFieldValue = string | number | boolean | null | undefined | Error | readonly string[];
export type LogFields = Readonly<Record<string, LogFieldValue>>;

export interface Log {
  /**
   * Writes a declared event, or leaves it out where there are too many of it; `leftOut` of the next line says how many.
   * With a context (25 bytes) the line names the trace and the span it belongs to, and whether the head chose the trace.
   */
  write(event: LogEventDefinition, fields?: LogFields, context?: Uint8Array, contextOffset?: number): void;
}

export interface LogOptions {
  readonly level: LogLevel | 'trace';
  readonly format: 'json' | 'text';
}

/** Fields that hold secrets, at the top of a line or one below: blotted out, should one ever get there. */
const SECRET_FIELDS = ['password', 'passwordHash', 'secret', 'token', 'authorization', 'authenticationData', 'headers'];
const STANDARD_ERROR_FD = 2;

/**
 * A log of one JSON object (or one line of text) an event; to standard error unless told otherwise. `onLine` gets each line
 * as JSON, whatever the format, once it is written.
 */
export function createLog(
  options: LogOptions,
  clock: Clock,
  output: DestinationStream = standardError(),
  onLine?: (line: string) => void,
): Log {
  const budget = new LogBudget(clock);
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    },
    tapped(options.format === 'json' ? output : { write: (line: string) => output.write(textLine(line)) }, onLine),
  );
  return {
    write(event, fields, context, contextOffset = 0) {
      if (!logger.isLevelEnabled(event.level)) return;
      const leftOut = budget.spend(event);
      if (leftOut === 'too_many') return;
      const trace =
        context !== undefined && hasTrace(context, contextOffset) ? traceFields(context, contextOffset) : {};
      const gap = leftOut > 0 ? { leftOut } : {};
      logger[event.level]({ event: event.name, ...fields, ...gap, ...trace }, event.message);
    },
  };
}

function tapped(output: DestinationStream, onLine: ((line: string) => void) | undefined): DestinationStream {
  if (onLine === undefined) return output;
  return {
    write(line) {
      output.write(line);
      onLine(line);
    },
  };
}

/** As OpenTelemetry names them in logs that are not its own ("Trace Context in non-OTLP Log Formats"). */
function traceFields(context: Uint8Array, offset: number): LogFields {
  return {
    trace_id: traceIdOf(context, offset),
    span_id: spanIdOf(context, offset),
    trace_flags: isSampled(context, offset) ? '01' : '00',
  };
}

/** Synchronous, so that the last line before a crash is there. */
function standardError(): DestinationStream {
  return destination({ dest: STANDARD_ERROR_FD, sync: true });
}
