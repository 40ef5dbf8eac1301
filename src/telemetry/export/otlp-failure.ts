import type { OtlpProtocol } from './otlp-target.ts';

/** Whether a request that was not taken may be sent again. */
export interface OtlpFailure {
  readonly type: 'unavailable' | 'rejected';
  readonly message: string;
}

/** gRPC codes after which a request may be repeated (OTLP specification, "OTLP/gRPC Response, Failures"). */
const REPEATABLE_CODES: ReadonlySet<number> = new Set([
  1, // CANCELLED
  4, // DEADLINE_EXCEEDED
  10, // ABORTED
  11, // OUT_OF_RANGE
  14, // UNAVAILABLE
  15, // DATA_LOSS
]);
const RESOURCE_EXHAUSTED = 8;
const STATUS_DETAILS = 'grpc-status-details-bin';
const RETRY_INFO = 'google.rpc.RetryInfo';

/** What OpenTelemetry's transports add to an Error, and grpc-js to its own. */
interface TransportError extends Error {
  /** An HTTP status, a gRPC code, or a name such as ECONNREFUSED. */
  readonly code?: number | string;
  readonly details?: string;
  readonly metadata?: { get(key: string): readonly (string | Buffer)[] };
}

/**
 * Reads a failure as OTLP means it. The HTTP transport hands on a status only if the request must not be repeated: 429, 502,
 * 503 and 504 it has repeated itself. What has no status never reached the collector, or was never answered.
 */
export function otlpFailure(protocol: OtlpProtocol, error: Error | undefined): OtlpFailure {
  const failure = error as TransportError | undefined;
  const message = messageOf(protocol, failure);
  if (typeof failure?.code !== 'number') return { type: 'unavailable', message };
  const mayRepeat = protocol === 'grpc' && isRepeatable(failure, failure.code);
  return { type: mayRepeat ? 'unavailable' : 'rejected', message };
}

/** RESOURCE_EXHAUSTED may pass only if the collector says when; without that it is, say, a message beyond its limit. */
function isRepeatable({ metadata }: TransportError, code: number): boolean {
  if (code !== RESOURCE_EXHAUSTED) return REPEATABLE_CODES.has(code);
  return metadata?.get(STATUS_DETAILS).some((details) => details.includes(RETRY_INFO)) ?? false;
}

function messageOf(protocol: OtlpProtocol, failure: TransportError | undefined): string {
  const reason = failure?.details || failure?.message || String(failure?.code ?? 'no reason given');
  return protocol !== 'grpc' && typeof failure?.code === 'number' ? `HTTP ${failure.code} ${reason}` : reason;
}
