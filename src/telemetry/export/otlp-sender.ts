import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { FinishedSpan } from '../finished-span.ts';
import type { OtlpTarget } from './otlp-target.ts';
import type { ReadableSpans } from './readable-span.ts';
import type { SendResult, SpanSender } from './span-sender.ts';

/** Requests that hang beyond their deadline still hold their bytes until the transport lets go: never more than these. */
const MAX_REQUESTS = 4;
/** The transport's own timeout lies behind ours, which names the reason; it is there to free the request. */
const TRANSPORT_GRACE_MS = 250;

/** Sends spans by OpenTelemetry's own OTLP exporters: their transports, retries and environment variables. */
export class OtlpSender implements SpanSender {
  readonly destination: string;
  readonly #exporter: GrpcTraceExporter | HttpTraceExporter;
  readonly #spans: ReadableSpans;
  readonly #timeoutMs: number;

  constructor(target: OtlpTarget, spans: ReadableSpans, timeoutMs: number) {
    this.destination = `${target.endpoint} (${target.protocol})`;
    this.#spans = spans;
    this.#timeoutMs = timeoutMs;
    const options = {
      ...(target.url === undefined ? {} : { url: target.url }),
      timeoutMillis: timeoutMs + TRANSPORT_GRACE_MS,
      concurrencyLimit: MAX_REQUESTS,
    };
    this.#exporter = target.protocol === 'grpc' ? new GrpcTraceExporter(options) : new HttpTraceExporter(options);
  }

  send(spans: readonly FinishedSpan[]): Promise<SendResult> {
    const readable = spans.map((span) => this.#spans.of(span));
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        resolve({ type: 'failed', reason: 'export_timeout', message: `no answer within ${this.#timeoutMs} ms` });
      }, this.#timeoutMs);
      this.#exporter.export(readable, ({ code, error }) => {
        clearTimeout(deadline);
        if (code === ExportResultCode.SUCCESS) resolve({ type: 'taken' });
        else resolve({ type: 'failed', reason: 'export_failed', message: error?.message || 'no reason given' });
      });
    });
  }

  close(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
