import { executableOf } from '../../../tools/backends/backend-cache.ts';
import { COLLECTOR } from '../../../tools/backends/collector.ts';
import { metric } from '../../chaos/support/metric.ts';
import type { TestDirectory } from '../../support/test-settings.ts';
import { BackendProcess } from './backend-process.ts';
import { freePorts } from './free-ports.ts';

/** Takes what it is sent only when it is on disk: its queue, batches included, outlives `kill -9`. */
const configuration = (ports: { grpc: number; http: number; metrics: number; next: number }, queue: string) => `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '127.0.0.1:${ports.grpc}' }
      http: { endpoint: '127.0.0.1:${ports.http}' }
processors:
  memory_limiter: { check_interval: 1s, limit_mib: 512 }
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:${ports.next}
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 100ms, max_interval: 1s }
    sending_queue:
      storage: file_storage
      sizer: items
      queue_size: 10000000
      batch: { flush_timeout: 100ms, min_size: 4096, max_size: 8192 }
extensions:
  file_storage: { directory: '${queue}', create_directory: true }
service:
  extensions: [file_storage]
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc] }
  telemetry:
    metrics:
      readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${ports.metrics} } } } }]
`;

/** A real OpenTelemetry Collector that sends what it gets to the port of another; always on the same ports. */
export class Collector implements AsyncDisposable {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly #metricsPort: number;
  readonly #configurationFile: string;
  #process: BackendProcess | undefined;

  private constructor(ports: readonly [grpc: number, http: number, metrics: number], configurationFile: string) {
    [this.grpcPort, this.httpPort, this.#metricsPort] = ports;
    this.#configurationFile = configurationFile;
  }

  /** Not started yet. `nextPort` takes OTLP over gRPC. */
  static async prepare(directory: TestDirectory, nextPort: number): Promise<Collector> {
    const [grpc, http, metrics] = (await freePorts(3)) as [number, number, number];
    const text = configuration({ grpc, http, metrics, next: nextPort }, `${directory.path}/collector-queue`);
    return new Collector([grpc, http, metrics], directory.write('collector.yaml', text));
  }

  async start(): Promise<void> {
    this.#process = await BackendProcess.start(executableOf(COLLECTOR), this.#configurationFile);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL');
    this.#process = undefined;
  }

  /** It takes connections and answers nothing, until `resume`. */
  suspend(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Where a broker exports to. */
  endpoint(protocol: 'grpc' | 'http'): string {
    return `${protocol}://127.0.0.1:${protocol === 'grpc' ? this.grpcPort : this.httpPort}`;
  }

  /** Spans it has taken since it was started, as its own metrics say. */
  acceptedSpans(): Promise<number> {
    return metric(`http://127.0.0.1:${this.#metricsPort}`, 'otelcol_receiver_accepted_spans');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
