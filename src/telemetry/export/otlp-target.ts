import { CodedError } from '../../base/errors.ts';

export type OtlpProtocol = 'grpc' | 'http/protobuf';

/** Where spans go. Without a URL the OpenTelemetry packages take it from their own environment variables. */
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
const TRACES_PATH = '/v1/traces';

/**
 * Finds the target. `OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT` wins over the configured endpoint, and
 * `OTEL_EXPORTER_OTLP_(TRACES_)PROTOCOL` over the protocol the endpoint suggests: schemes `grpc` and `grpcs` (TLS) say
 * it, of `http` and `https` port 4317 does.
 */
export function otlpTarget(configured: string, environment: Environment): OtlpTarget {
  const fromEnvironment = variable(environment, 'ENDPOINT');
  const endpoint = fromEnvironment ?? configured;
  const url = parsed(endpoint);
  const protocol = protocolOf(url, variable(environment, 'PROTOCOL'));
  if (url.protocol === 'grpc:') return { protocol: 'grpc', url: `http://${url.host}`, endpoint };
  if (url.protocol === 'grpcs:') return { protocol: 'grpc', url: `https://${url.host}`, endpoint };
  if (fromEnvironment !== undefined) return { protocol, url: undefined, endpoint };
  return { protocol, url: protocol === 'grpc' ? url.origin : withTracesPath(url), endpoint };
}

function variable(environment: Environment, name: string): string | undefined {
  return (
    environment[`OTEL_EXPORTER_OTLP_TRACES_${name}`]?.trim() ||
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

function withTracesPath(url: URL): string {
  if (url.pathname !== '/') return url.href;
  return new URL(TRACES_PATH, url).href;
}
