import type { Agent } from 'node:http';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { CompressionAlgorithm, type IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  convertLegacyOtlpGrpcOptions,
  createEmptyMetadata,
  createOtlpGrpcExportDelegate,
  createSslCredentials,
} from '@opentelemetry/otlp-grpc-exporter-base';
import {
  type IExporterMetricsHelper,
  type ISerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import type { BatchTransport, SendResult } from './batch-transport.ts';
import { otlpFailure } from './otlp-failure.ts';
import type { OtlpSettings } from './otlp-settings.ts';
import type { Signal } from './otlp-target.ts';
import type { SpanBatch } from './span-batch.ts';

type Delegate = IOtlpExportDelegate<SpanBatch>;
type PartialSuccess = ReturnType<typeof ProtobufTraceSerializer.deserializeResponse>['partialSuccess'];

/** Requests whose answer is not waited for any more hold their bytes until the transport lets go: never more than these. */
const MAX_REQUESTS = 8;
/** Our deadline lies behind the transport's own, and is for answers that come drop by drop, which it waits for. */
const GRACE_MS = 1000;
const SERVICES: Readonly<Record<Signal, string>> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};
/** The packages count for a meter of OpenTelemetry's SDK; there is none here. */
const NOT_COUNTED: IExporterMetricsHelper<SpanBatch> = { name: 'span', countItems: ({ spans }) => spans };

/**
 * Requests encoded by us, over OpenTelemetry's own transports: connections, compression, TLS, headers, and over HTTP the
 * repetition of what the collector could not take just now.
 */
export class OtlpTransport implements BatchTransport {
  readonly destination: string;
  readonly #settings: OtlpSettings;
  readonly #delegate: Delegate;
  readonly #agents: Agent[] = [];
  /** Of the answer that is being handled: set before its callback, which is called in the same turn. */
  #partialSuccess: PartialSuccess;
  #isClosed = false;

  constructor(settings: OtlpSettings) {
    const { protocol, endpoint } = settings.target;
    this.#settings = settings;
    this.destination = `${withoutSecrets(endpoint)} (${protocol})`;
    this.#delegate = protocol === 'grpc' ? this.#overGrpc() : this.#overHttp();
  }

  send(batch: SpanBatch): Promise<SendResult> {
    const { timeoutMs, target } = this.#settings;
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        this.#cut();
        resolve({ type: 'unavailable', message: `no answer within ${timeoutMs} ms` });
      }, timeoutMs + GRACE_MS);
      this.#delegate.export(batch, ({ code, error }: ExportResult) => {
        clearTimeout(deadline);
        resolve(code === ExportResultCode.SUCCESS ? this.#taken() : otlpFailure(target.protocol, error));
      });
    });
  }

  /** A gRPC call that hangs still ends with its deadline only. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cut();
    // Settles when the last call has ended, and closes the channel then: not to be waited for.
    this.#delegate.shutdown().catch(() => {});
  }

  #taken(): SendResult {
    const partial = this.#partialSuccess;
    this.#partialSuccess = undefined;
    return { type: 'taken', rejectedSpans: partial?.rejectedSpans ?? 0, message: partial?.errorMessage ?? '' };
  }

  /** Ends the HTTP requests that are under way. */
  #cut(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  #serializer(): ISerializer<SpanBatch, undefined> {
    return {
      serializeRequest: ({ bytes }) => bytes,
      // The answers of all signals have the same fields. What cannot be read throws, and the packages take it as success.
      deserializeResponse: (bytes) => {
        this.#partialSuccess = ProtobufTraceSerializer.deserializeResponse(bytes).partialSuccess;
        return undefined;
      },
    };
  }

  #shared() {
    const { target, timeoutMs, compression } = this.#settings;
    return {
      ...(target.url === undefined ? {} : { url: target.url }),
      timeoutMillis: timeoutMs,
      compression: compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
      concurrencyLimit: MAX_REQUESTS,
    };
  }

  #overHttp(): Delegate {
    const { signal, headers, tls } = this.#settings;
    const options = convertLegacyHttpOptions(
      {
        ...this.#shared(),
        headers: { ...headers },
        httpAgentOptions: { keepAlive: true, ca: tls.ca, cert: tls.certificate, key: tls.key },
      },
      signal.toUpperCase(),
      `v1/${signal}`,
      { 'Content-Type': 'application/x-protobuf' },
    );
    const agentFactory = async (protocol: string): Promise<Agent> => {
      const agent = await options.agentFactory(protocol);
      this.#agents.push(agent);
      return agent;
    };
    // Asked before each attempt: after the end there are none.
    const headersNow = async (): Promise<Record<string, string>> => {
      if (this.#isClosed) throw new Error('the transport is closed');
      return options.headers();
    };
    const delegateOptions = { ...options, agentFactory, headers: headersNow };
    return createOtlpHttpExportDelegate(
      delegateOptions,
      this.#serializer(),
      `otlp_http_exporter`,
      NOT_COUNTED,
      undefined,
    );
  }

  #overGrpc(): Delegate {
    const { signal, headers, tls, target } = this.#settings;
    const metadata = createEmptyMetadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const isSecure = /^(https|grpcs):/.test(target.endpoint);
    const credentials = isSecure ? { credentials: createSslCredentials(tls.ca, tls.key, tls.certificate) } : {};
    const options = convertLegacyOtlpGrpcOptions({ ...this.#shared(), metadata, ...credentials }, signal.toUpperCase());
    return createOtlpGrpcExportDelegate(
      options,
      this.#serializer(),
      'otlp_grpc_exporter',
      NOT_COUNTED,
      undefined,
      'Export',
      `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`,
    );
  }
}

/** A user, a password, or a token in the query are nobody's to read in a log. */
function withoutSecrets(endpoint: string): string {
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
