import { readFileSync } from 'node:fs';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { CodedError } from '../../base/errors.ts';
import { type OtlpTarget, otlpTarget, otlpVariable, type Signal } from './otlp-target.ts';

export type Compression = 'none' | 'gzip';

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

export type OtlpSettingsErrorCode = 'unreadable_file' | 'key_without_certificate' | 'unsupported_temporality';
export class OtlpSettingsError extends CodedError<OtlpSettingsErrorCode> {}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `OTEL_EXPORTER_OTLP_(<SIGNAL>_)` ENDPOINT, PROTOCOL, HEADERS, COMPRESSION, TIMEOUT, CERTIFICATE, CLIENT_CERTIFICATE and
 * CLIENT_KEY (OTLP exporter specification), each over its key. OpenTelemetry's packages go on without a file that they
 * cannot read, or with a key that has no certificate; here that throws OtlpSettingsError, a bad endpoint OtlpTargetError.
 */
export function otlpSettings(options: OtlpOptions, environment: Environment, signal: Signal = 'traces'): OtlpSettings {
  const variable = (name: string): string | undefined => otlpVariable(environment, signal, name);
  return {
    signal,
    target: otlpTarget(options.endpoint, environment, signal),
    headers: headersOf(options, environment, signal),
    compression: compressionFrom(variable('COMPRESSION')) ?? options.compression,
    timeoutMs: timeoutFrom(variable('TIMEOUT')) ?? options.timeoutMs,
    tls: tlsMaterial(
      variable('CERTIFICATE') ?? options.tls.caFile,
      variable('CLIENT_CERTIFICATE') ?? options.tls.certificateFile,
      variable('CLIENT_KEY') ?? options.tls.keyFile,
    ),
  };
}

/** Header by header: the signal's variable, that of all signals, the configuration. */
function headersOf({ headers }: OtlpOptions, environment: Environment, signal: Signal): Record<string, string> {
  const all = [
    ...Object.entries(headers),
    ...Object.entries(parseKeyPairsIntoRecord(environment.OTEL_EXPORTER_OTLP_HEADERS)),
    ...Object.entries(parseKeyPairsIntoRecord(environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`])),
  ];
  return Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), value]));
}

function compressionFrom(value: string | undefined): Compression | undefined {
  return value === 'gzip' || value === 'none' ? value : undefined;
}

function timeoutFrom(value: string | undefined): number | undefined {
  const timeoutMs = Number(value);
  return Number.isFinite(timeoutMs) && timeoutMs > 0 ? timeoutMs : undefined;
}

function tlsMaterial(ca: string | undefined, certificate: string | undefined, key: string | undefined): TlsMaterial {
  if ((certificate === undefined) !== (key === undefined))
    throw new OtlpSettingsError(
      'key_without_certificate',
      'a client certificate for the collector needs its key, and the key its certificate',
    );
  return { ca: contentOf(ca), certificate: contentOf(certificate), key: contentOf(key) };
}

function contentOf(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new OtlpSettingsError('unreadable_file', `cannot read "${file}", which TLS to the collector needs`, error);
  }
}
