import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { CodedError } from '../../base/errors.ts';
import { type OtlpTarget, otlpTarget } from './otlp-target.ts';
import {
  choiceOf,
  type Environment,
  headersOf,
  otlpVariable,
  type Signal,
  type Sourced,
  timeoutMsOf,
} from './otlp-variables.ts';

const COMPRESSIONS = ['none', 'gzip'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What the configuration says of the way to a collector. OpenTelemetry's variables win over each of it. */
export interface OtlpOptions {
  readonly endpoint: string;
  /** Sent with each request: credentials, a tenant. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: Compression;
  /** For a request with all that the transport does to repeat it. */
  readonly timeoutMs: number;
  /** PEM files; undefined: the system's authorities, no certificate of our own. */
  readonly tls: {
    readonly caFile: string | undefined;
    readonly certificateFile: string | undefined;
    readonly keyFile: string | undefined;
  };
}

/** The same, with the variables and the files read. */
export interface OtlpSettings {
  readonly signal: Signal;
  readonly target: OtlpTarget;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: Compression;
  readonly timeoutMs: number;
  readonly tls: TlsMaterial;
}

export interface TlsMaterial {
  readonly ca: Buffer | undefined;
  readonly certificate: Buffer | undefined;
  readonly key: Buffer | undefined;
}

export type OtlpSettingsErrorCode =
  | 'unreadable_file'
  | 'bad_certificate'
  | 'key_without_certificate'
  | 'unsupported_temporality';
export class OtlpSettingsError extends CodedError<OtlpSettingsErrorCode> {}

/**
 * `OTEL_EXPORTER_OTLP_(<SIGNAL>_)` ENDPOINT, PROTOCOL, HEADERS, COMPRESSION, TIMEOUT, CERTIFICATE, CLIENT_CERTIFICATE and
 * CLIENT_KEY (OTLP exporter specification), each over its key. OpenTelemetry's packages go on without what they cannot
 * read; here a value that cannot be meant is an error that names it.
 * @throws OtlpSettingsError, OtlpTargetError, OtlpVariableError
 */
export function otlpSettings(options: OtlpOptions, environment: Environment, signal: Signal = 'traces'): OtlpSettings {
  const { tls } = options;
  const compression = otlpVariable(environment, signal, 'COMPRESSION');
  const timeout = otlpVariable(environment, signal, 'TIMEOUT');
  const file = (name: string, configured: string | undefined, key: string): Sourced<string> | undefined =>
    otlpVariable(environment, signal, name) ??
    (configured === undefined ? undefined : { value: configured, source: `telemetry.${key}` });
  return {
    signal,
    target: otlpTarget(options.endpoint, environment, signal),
    headers: allHeaders(options, environment, signal),
    compression: compression === undefined ? options.compression : choiceOf(compression, COMPRESSIONS),
    timeoutMs: timeout === undefined ? options.timeoutMs : timeoutMsOf(timeout),
    tls: tlsMaterial(
      file('CERTIFICATE', tls.caFile, 'exporter_ca_file'),
      file('CLIENT_CERTIFICATE', tls.certificateFile, 'exporter_certificate_file'),
      file('CLIENT_KEY', tls.keyFile, 'exporter_key_file'),
    ),
  };
}

/** Header by header: the signal's variable, that of all signals, the configuration. */
function allHeaders({ headers }: OtlpOptions, environment: Environment, signal: Signal): Record<string, string> {
  const all = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  for (const source of ['OTEL_EXPORTER_OTLP_HEADERS', `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`])
    Object.assign(all, headersOf({ value: environment[source] ?? '', source }));
  return all;
}

type File = Sourced<string> | undefined;

function tlsMaterial(ca: File, certificate: File, key: File): TlsMaterial {
  const alone = key === undefined ? certificate : key;
  if (alone !== undefined && (key === undefined || certificate === undefined))
    throw new OtlpSettingsError(
      'key_without_certificate',
      `${alone.source}: a client certificate for the collector needs its key, and the key its certificate`,
    );
  const material = { ca: contentOf(ca), certificate: contentOf(certificate), key: contentOf(key) };
  requirePem(ca, 'certificates as PEM', () => material.ca && new X509Certificate(material.ca));
  requirePem(certificate, 'a certificate as PEM that fits its key', () =>
    createSecureContext({ cert: material.certificate, key: material.key }),
  );
  return material;
}

function contentOf(file: File): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file.value);
  } catch (error) {
    throw new OtlpSettingsError(
      'unreadable_file',
      `${file.source}: cannot read "${file.value}", which TLS to the collector needs`,
      error,
    );
  }
}

/** What OpenSSL does not take would end the exporter's thread later, or leave every request without trust. */
function requirePem(file: File, expected: string, use: () => unknown): void {
  if (file === undefined) return;
  try {
    use();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OtlpSettingsError(
      'bad_certificate',
      `${file.source} = "${file.value}": must be ${expected} (${reason})`,
      error,
    );
  }
}
