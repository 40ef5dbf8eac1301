import { CodedError } from '../../base/errors.ts';
import { choiceOf, type Environment, otlpVariable, type Signal, type Sourced } from './otlp-variables.ts';

export type { Signal };
export type OtlpProtocol = 'grpc' | 'http/protobuf';

/** Where a signal goes. Without a URL the OpenTelemetry packages take it from their own environment variables. */
export interface OtlpTarget {
  readonly protocol: OtlpProtocol;
  readonly url: string | undefined;
  /** For people: the endpoint as it was given. */
  readonly endpoint: string;
}

export type OtlpTargetErrorCode = 'bad_endpoint';
export class OtlpTargetError extends CodedError<OtlpTargetErrorCode> {}

const GRPC_PORT = '4317';
/** Not http/json: receivers need not have it, and who asks for it would get something else. */
const PROTOCOLS = ['grpc', 'http/protobuf'] as const;
const pathOf = (signal: Signal): string => `/v1/${signal}`;

/**
 * Finds the target. `OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT` wins over the configured endpoint, and
 * `OTEL_EXPORTER_OTLP_(TRACES_)PROTOCOL` over the protocol the endpoint suggests: schemes `grpc` and `grpcs` (TLS) say
 * it, of `http` and `https` port 4317 does. METRICS and LOGS likewise.
 * @throws OtlpTargetError, OtlpVariableError
 */
export function otlpTarget(configured: string, environment: Environment, signal: Signal = 'traces'): OtlpTarget {
  const fromEnvironment = otlpVariable(environment, signal, 'ENDPOINT');
  const given = fromEnvironment ?? { value: configured, source: 'telemetry.exporter_endpoint' };
  const endpoint = given.value;
  const url = parsed(given);
  const protocol = protocolOf(url, otlpVariable(environment, signal, 'PROTOCOL'));
  if (url.protocol === 'grpc:') return { protocol: 'grpc', url: `http://${url.host}`, endpoint };
  if (url.protocol === 'grpcs:') return { protocol: 'grpc', url: `https://${url.host}`, endpoint };
  if (fromEnvironment !== undefined) return { protocol, url: undefined, endpoint };
  return { protocol, url: protocol === 'grpc' ? url.origin : withPath(url, signal), endpoint };
}

function parsed({ value, source }: Sourced<string>): URL {
  const url = URL.parse(value);
  if (url !== null && ['grpc:', 'grpcs:', 'http:', 'https:'].includes(url.protocol) && url.host !== '') return url;
  throw new OtlpTargetError(
    'bad_endpoint',
    `${source}: "${value}" is no OTLP endpoint: expected grpc://host:4317, grpcs://…, http://host:4318 or https://…`,
  );
}

function protocolOf(url: URL, wanted: Sourced<string> | undefined): OtlpProtocol {
  if (wanted !== undefined) return choiceOf(wanted, PROTOCOLS);
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
