import { type Attributes, type Context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanKind as KindName } from '../../src/telemetry/catalogue.ts';
import type { LoadKind } from './message-load.ts';
import { recordedBatch } from './recorded-traces.ts';
import { DEFAULT_QUEUE_SPANS, type SpanPipeline, type Transport } from './span-pipeline.ts';

const KINDS: Readonly<Record<KindName, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** OpenTelemetry's SDK as its documentation sets it up: batch processor and OTLP exporter, everything sampled. */
export class SdkPipeline implements SpanPipeline {
  readonly #provider: TracerProvider;
  readonly #queueSpans: number;
  /** Attributes lie ready: what a program does to gather them is not counted. */
  readonly #batch: ReturnType<typeof prepared>;
  #next = 0;
  #at = 0;
  #contexts: Context[] = [];

  constructor(kind: LoadKind, transport: Transport, url: string, requestSpans: number) {
    const exporter = transport === 'grpc' ? new GrpcExporter({ url }) : new HttpExporter({ url });
    this.#batch = prepared(kind);
    this.#queueSpans = Math.max(DEFAULT_QUEUE_SPANS, requestSpans);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'robustmq-broker' }),
      // Its limit would cut off the list of messages that a commit carried.
      spanLimits: { linkCountLimit: 128 },
      spanProcessors: [
        new BatchSpanProcessor({ exporter, maxExportBatchSize: requestSpans, maxQueueSize: this.#queueSpans }),
      ],
    });
  }

  /** As many spans as the queue holds, so that none is dropped. */
  async run(): Promise<number> {
    for (let count = 0; count < this.#queueSpans; count += 1) this.#record();
    await this.#provider.forceFlush();
    return this.#queueSpans;
  }

  close(): Promise<void> {
    return this.#provider.shutdown();
  }

  /** The next span of the batch; after the last it begins again. */
  #record(): void {
    if (this.#next === 0) {
      this.#at = Date.now();
      this.#contexts = [];
    }
    const { name, kind, parent, startMs, endMs, attributes, links } = this.#batch[this.#next]!;
    const below = parent === undefined ? ROOT_CONTEXT : this.#contexts[parent]!;
    const tracer = this.#provider.getTracer('robustmq', '0.1.0');
    const open = tracer.startSpan(
      name,
      {
        kind,
        startTime: this.#at + startMs,
        attributes,
        links: links.map((position) => ({ context: trace.getSpanContext(this.#contexts[position]!)! })),
      },
      below,
    );
    this.#contexts.push(trace.setSpan(below, open));
    open.end(this.#at + endMs);
    this.#next = (this.#next + 1) % this.#batch.length;
  }
}

function prepared(kind: LoadKind) {
  return recordedBatch(kind).map(({ definition, parent, startMs, endMs, attributes, links }) => ({
    name: definition.name,
    kind: KINDS[definition.kind],
    parent,
    startMs,
    endMs,
    attributes: Object.fromEntries(attributes.map(({ definition: { key }, value }) => [key, value])) as Attributes,
    links,
  }));
}
