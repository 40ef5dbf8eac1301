import { CodedError } from '../../base/errors.ts';

export type Signal = 'traces' | 'metrics' | 'logs';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value, and what names it in messages: a variable, or the key of the configuration. */
export interface Sourced<Value> {
  readonly value: Value;
  readonly source: string;
}

export type OtlpVariableErrorCode = 'bad_value';
export class OtlpVariableError extends CodedError<OtlpVariableErrorCode> {}

/** What both HTTP and gRPC take as the name of a header; a name that ends in -bin has bytes as its value in gRPC. */
const HEADER_NAME = /^(?!.*-bin$)[a-z0-9_.-]+$/i;
const HEADER_VALUE = /^[\x20-\x7e]*$/;
/** Timers of Node take no more. */
const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

/** A variable of OpenTelemetry's exporters: the signal's own, or else that of all signals. Empty means not set. */
export function otlpVariable(environment: Environment, signal: Signal, name: string): Sourced<string> | undefined {
  for (const source of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
    const value = environment[source]?.trim();
    if (value) return { value, source };
  }
  return undefined;
}

/** One of `allowed`. @throws OtlpVariableError */
export function choiceOf<Choice extends string>(
  { value, source }: Sourced<string>,
  allowed: readonly Choice[],
): Choice {
  const choice = allowed.find((name) => name === value);
  if (choice === undefined) throw badValue(source, value, `must be one of ${allowed.join(', ')}`);
  return choice;
}

/** @throws OtlpVariableError */
export function timeoutMsOf({ value, source }: Sourced<string>): number {
  const timeoutMs = Number(value);
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS) return timeoutMs;
  throw badValue(source, value, `must be a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`);
}

/**
 * Headers from `name=value,name=value`, values percent-encoded (OTLP exporter specification); names in lower case. What is
 * wrong is told without a value, which may be a credential.
 * @throws OtlpVariableError
 */
export function headersOf({ value, source }: Sourced<string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, pair] of value.split(',').entries()) {
    if (pair.trim() === '') continue;
    const separator = pair.indexOf('=');
    const name = decoded(pair.slice(0, Math.max(separator, 0)).trim());
    const content = decoded(pair.slice(separator + 1).trim());
    if (name === undefined || content === undefined || !HEADER_NAME.test(name) || !HEADER_VALUE.test(content))
      throw new OtlpVariableError(
        'bad_value',
        `${source}: pair ${index + 1} is no header: expected name=value, separated by commas, with names of letters, ` +
          'digits, "_", "-" and "." that do not end in -bin, and values of printable ASCII, percent-encoded',
      );
    headers[name.toLowerCase()] = content;
  }
  return headers;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function badValue(source: string, value: string, allowed: string): OtlpVariableError {
  return new OtlpVariableError('bad_value', `${source} = ${JSON.stringify(value)}: ${allowed}`);
}
