import { CodedError } from '../../base/errors.ts';

export type OtlpProtocol = 'grpc' | 'http/protobuf';

export type Signal = 'traces' | 'metrics' | 'logs';

/** Where a signal goes. Without a URL the OpenTelemetry packages take it from their own environment variables. */
export interface OtlpTarget {
  readonly protocol: OtlpProtocol;
  readonly url: string | undefined;
  /** For people: the endpoint as it was given. */
  readonly endpoint: string;
}

export type OtlpTargetErrorCode = 'bad_endpoint';
export class OtlpTargetError extends CodedError<OtlpTargetErrorCode> {}

type Environment = Readonly<Record<string, string | undefined>>;

const GRPC_PORT = '4317';
const pathOf = (signal: Signal): string => `/v1/${signal}`;

/**
 * Finds the target. `OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT` wins over the configured endpoint, and
 * `OTEL_EXPORTER_OTLP_(TRACES_)PROTOCOL` over the protocol the endpoint suggests: schemes `grpc` and `grpcs` (TLS) say
 * it, of `http` and `https` port 4317 does. METRICS and LOGS likewise.
 */
export function otlpTarget(configured: string, environment: Environment, signal: Signal = 'traces'): OtlpTarget {
  const fromEnvironment = otlpVariable(environment, signal, 'ENDPOINT');
  const endpoint = fromEnvironment ?? configured;
  const url = parsed(endpoint);
  const protocol = protocolOf(url, otlpVariable(environment, signal, 'PROTOCOL'));
  if (url.protocol === 'grpc:') return { protocol: 'grpc', url: `http://${url.host}`, endpoint };
  if (url.protocol === 'grpcs:') return { protocol: 'grpc', url: `https://${url.host}`, endpoint };
  if (fromEnvironment !== undefined) return { protocol, url: undefined, endpoint };
  return { protocol, url: protocol === 'grpc' ? url.origin : withPath(url, signal), endpoint };
}

/** A variable of OpenTelemetry's exporters: the signal's own, or else that of all signals. */
export function otlpVariable(environment: Environment, signal: Signal, name: string): string | undefined {
  return (
    environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`]?.trim() ||
    environment[`OTEL_EXPORTER_OTLP_${name}`]?.trim() ||
    undefined
  );
}

function parsed(endpoint: string): URL {
  const url = URL.parse(endpoint);
  if (url !== null && ['grpc:', 'grpcs:', 'http:', 'https:'].includes(url.protocol) && url.host !== '') return url;
  throw new OtlpTargetError(
    'bad_endpoint',
    `"${endpoint}" is no OTLP endpoint: expected grpc://host:4317, grpcs://…, http://host:4318 or https://…`,
  );
}

function protocolOf(url: URL, wanted: string | undefined): OtlpProtocol {
  if (wanted === 'grpc') return 'grpc';
  if (wanted === 'http/protobuf' || wanted === 'http/json') return 'http/protobuf';
  return url.port === GRPC_PORT ? 'grpc' : 'http/protobuf';
}

/** A path that the endpoint comes with is that of the traces; of the others it is known where it ends as the standard's. */
function withPath(url: URL, signal: Signal): string {
  if (url.pathname === '/') return new URL(pathOf(signal), url).href;
  if (signal === 'traces') return url.href;
  const tracesPath = pathOf('traces');
  if (url.pathname.endsWith(tracesPath))
    return new URL(url.pathname.slice(0, -tracesPath.length) + pathOf(signal), url).href;
  throw new OtlpTargetError(
    'bad_endpoint',
    `"${url.href}" says where traces go, not ${signal}: set OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`,
  );
}
