import { DISCREET } from '../../src/telemetry/attribute-policy.ts';
import { SharedFigures } from '../../src/telemetry/exporter/shared-figures.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { Recording } from '../../src/telemetry/recording.ts';
import { KEEP_FAILURES, testExporter } from '../../src/telemetry/testing/test-exporter.ts';
import { type LoadKind, MessageLoad } from './message-load.ts';
import { BROKER } from './recorded-traces.ts';
import type { SpanPipeline, Transport } from './span-pipeline.ts';

const RING_BYTES = 64 * 1024 * 1024;
const QUEUE_BYTES = 32 * 1024 * 1024;
const BATCHES = 50;
const LOOK_MS = 10;

/** What the broker does: recorders, the ring, and the exporter's thread with its policy, encoder, queue and transport. */
export class OwnPipeline implements SpanPipeline {
  readonly #kind: LoadKind;
  readonly #recording: Recording;
  readonly #load: MessageLoad;
  readonly #figures: SharedFigures;
  readonly #exporter: ReturnType<typeof testExporter>;

  constructor(kind: LoadKind, transport: Transport, url: string) {
    this.#kind = kind;
    const options = { enabled: true, ringBytes: RING_BYTES, maxOpenSpans: 32_768, rate: 1, followParent: true };
    this.#recording = new Recording(options, new Metrics());
    this.#load = new MessageLoad(this.#recording);
    const figures = SharedFigures.allocate();
    this.#figures = new SharedFigures(figures);
    const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
    const endpoint = transport === 'grpc' ? url.replace('http:', 'grpc:') : url;
    this.#exporter = testExporter(
      this.#recording,
      {
        figures,
        broker: BROKER,
        attributes: DISCREET,
        destination: { type: 'otlp', options: { endpoint, headers: {}, compression: 'none', timeoutMs: 10_000, tls } },
        // As by default.
        keep: { ...KEEP_FAILURES, slowThresholdMs: 1000, slowQuantile: 0.999, maxKeptPerSecond: 1000 },
        intervalMs: 1000,
        queueBytes: QUEUE_BYTES,
      },
      {
        onFailing: (_destination, message) => {
          throw new Error(message);
        },
      },
    );
  }

  async run(): Promise<number> {
    const before = this.#recording.recordedSpans;
    for (let batch = 0; batch < BATCHES; batch += 1) this.#load[this.#kind](Date.now());
    await this.#exporter.flush();
    while (this.#figures.get('exportedSpans') < this.#recording.recordedSpans)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return this.#recording.recordedSpans - before;
  }

  async close(): Promise<void> {
    await this.#exporter.close(1000);
  }
}
