import { type Attributes, type Context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanKind as KindName } from '../../src/telemetry/catalogue.ts';
import { MESSAGE_TRACE, type TraceSpan } from './message-trace.ts';
import { DEFAULT_QUEUE_SPANS, type SpanPipeline } from './span-pipeline.ts';

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
  /** As many as the queue holds, so that no span is dropped. */
  readonly #messagesEach: number;
  #messages = 0;

  constructor(transport: 'http' | 'grpc', url: string, requestSpans: number) {
    const exporter = transport === 'grpc' ? new GrpcExporter({ url }) : new HttpExporter({ url });
    const maxQueueSize = Math.max(DEFAULT_QUEUE_SPANS, requestSpans);
    this.#messagesEach = Math.floor(maxQueueSize / MESSAGE_TRACE.length);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'robustmq-broker' }),
      spanProcessors: [new BatchSpanProcessor({ exporter, maxExportBatchSize: requestSpans, maxQueueSize })],
    });
  }

  async run(): Promise<number> {
    for (let each = 0; each < this.#messagesEach; each += 1) this.#record();
    await this.#provider.forceFlush();
    return this.#messagesEach * MESSAGE_TRACE.length;
  }

  close(): Promise<void> {
    return this.#provider.shutdown();
  }

  #record(): void {
    const tracer = this.#provider.getTracer('robustmq', '0.1.0');
    const n = this.#messages;
    const at = Date.now();
    this.#messages += 1;
    const contexts: Context[] = [];
    for (const span of MESSAGE_TRACE) {
      const below = span.parent === undefined ? ROOT_CONTEXT : contexts[span.parent]!;
      const { name, kind } = span.definition;
      const attributes = attributesOf(span, n);
      const open = tracer.startSpan(name, { kind: KINDS[kind], startTime: at + span.startMs, attributes }, below);
      contexts.push(trace.setSpan(below, open));
      open.end(at + span.endMs);
    }
  }
}

function attributesOf({ attributes }: TraceSpan, n: number): Attributes {
  const result: Attributes = {};
  for (const [{ key }, value] of attributes) result[key] = typeof value === 'function' ? value(n) : value;
  return result;
}
