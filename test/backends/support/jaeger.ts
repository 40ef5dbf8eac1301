import { executableOf } from '../../../tools/backends/backend-cache.ts';
import { JAEGER } from '../../../tools/backends/jaeger.ts';
import type { TestDirectory } from '../../support/test-settings.ts';
import { BackendProcess } from './backend-process.ts';
import { freePorts } from './free-ports.ts';
import { type StoredSpan, spansIn } from './otlp-json.ts';

/** More than any test makes: the oldest would be forgotten. */
const MAX_TRACES = 300_000;

const configuration = (ports: { otlp: number; http: number; grpc: number }) => `
extensions:
  jaeger_storage:
    backends: { memory: { memory: { max_traces: ${MAX_TRACES} } } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: '127.0.0.1:${ports.http}' }
    grpc: { endpoint: '127.0.0.1:${ports.grpc}' }
receivers:
  otlp: { protocols: { grpc: { endpoint: '127.0.0.1:${ports.otlp}' } } }
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
  telemetry: { metrics: { level: none } }
`;

/** A real Jaeger that keeps traces in memory, and what its API says of them. */
export class Jaeger implements AsyncDisposable {
  /** Takes OTLP over gRPC. */
  readonly otlpPort: number;
  readonly #apiUrl: string;
  readonly #process: BackendProcess;

  private constructor(otlpPort: number, httpPort: number, process: BackendProcess) {
    this.otlpPort = otlpPort;
    this.#apiUrl = `http://127.0.0.1:${httpPort}/api/v3`;
    this.#process = process;
  }

  static async start(directory: TestDirectory): Promise<Jaeger> {
    const [otlp, http, grpc] = (await freePorts(3)) as [number, number, number];
    const file = directory.write('jaeger.yaml', configuration({ otlp, http, grpc }));
    return new Jaeger(otlp, http, await BackendProcess.start(executableOf(JAEGER), file));
  }

  /** The spans of a trace that have arrived, as they were sent. */
  trace(traceId: string): Promise<StoredSpan[]> {
    return this.#ask(`traces/${traceId}?raw_traces=true`);
  }

  /** All spans of all traces in which the service has a span (of this name). */
  find(service: string, operation = ''): Promise<StoredSpan[]> {
    const query = new URLSearchParams({
      'query.service_name': service,
      'query.operation_name': operation,
      'query.start_time_min': new Date(0).toISOString(),
      'query.start_time_max': new Date(2 ** 42).toISOString(),
      'query.num_traces': String(MAX_TRACES),
      'query.raw_traces': 'true',
    });
    return this.#ask(`traces?${query}`);
  }

  async #ask(path: string): Promise<StoredSpan[]> {
    const response = await fetch(`${this.#apiUrl}/${path}`);
    const text = await response.text();
    if (response.status === 404) return [];
    if (!response.ok) throw new Error(`Jaeger answers ${response.status} to ${path}: ${text}`);
    return spansIn(JSON.parse(text).result);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
