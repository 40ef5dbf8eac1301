import { METRICS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { type CounterId, counterId, type Metrics } from '../metrics.ts';
import type { SendResult, SpanSender } from './span-sender.ts';

export interface BatchExporterOptions {
  /** Finished spans that may wait; the newest beyond it are dropped. */
  readonly maxQueueSpans: number;
  readonly maxBatchSpans: number;
  /** How long a span waits for others to join its batch. */
  readonly intervalMs: number;
  /** Longest pause between attempts while the collector is away. */
  readonly maxPauseMs: number;
}

/** Told when the collector goes away and when it is back; nothing in between. */
export interface ExportHealth {
  onFailing(destination: string, message: string): void;
  onRecovered(destination: string, droppedSpans: number): void;
}

type ExportState = { type: 'healthy' } | { type: 'failing'; attempts: number; droppedSpans: number };

const spansExportedTotal = counterId(METRICS.spansExportedTotal);
const tracesExportedTotal = counterId(METRICS.tracesExportedTotal);
const exportFailuresTotal = counterId(METRICS.exportFailuresTotal);
const dropped: Record<'queue_full' | 'export_failed' | 'export_timeout' | 'shutdown', CounterId> = {
  queue_full: counterId(METRICS.spansDroppedTotal, 'queue_full'),
  export_failed: counterId(METRICS.spansDroppedTotal, 'export_failed'),
  export_timeout: counterId(METRICS.spansDroppedTotal, 'export_timeout'),
  shutdown: counterId(METRICS.spansDroppedTotal, 'shutdown'),
};

/**
 * Gathers finished spans into batches, by size and by interval, and sends one at a time. A batch that fails is dropped and
 * counted: the sender has retried already. While the collector is away attempts grow rarer, and the queue stays bounded.
 */
export class BatchExporter {
  readonly #options: BatchExporterOptions;
  readonly #sender: SpanSender;
  readonly #metrics: Metrics;
  readonly #health: ExportHealth;
  #queue: FinishedSpan[] = [];
  #state: ExportState = { type: 'healthy' };
  #timer: NodeJS.Timeout | undefined;
  /** The loop that sends, while there is one. */
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BatchExporterOptions, sender: SpanSender, metrics: Metrics, health: ExportHealth) {
    this.#options = options;
    this.#sender = sender;
    this.#metrics = metrics;
    this.#health = health;
    metrics.gauge(METRICS.exportQueueSpans, () => this.#queue.length);
  }

  add(span: FinishedSpan): void {
    if (this.#isClosed) this.#drop('shutdown', 1);
    else if (this.#queue.length >= this.#options.maxQueueSpans) this.#drop('queue_full', 1);
    else {
      this.#queue.push(span);
      if (this.#queue.length === 1) this.#schedule(this.#pauseMs());
      else if (this.#queue.length === this.#options.maxBatchSpans && this.#state.type === 'healthy') this.#schedule(0);
    }
  }

  /** Sends what waits, for at most `limitMs`; the rest is dropped and counted. Settles within the limit. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, limitMs);
    await Promise.race([this.#drainAndClose(), limit.promise]);
    clearTimeout(timer);
    this.#drop('shutdown', this.#queue.length);
    this.#queue = [];
  }

  async #drainAndClose(): Promise<void> {
    await this.#sending;
    await this.#sendWhileFull(1);
    await this.#sender.close();
  }

  #schedule(delayMs: number): void {
    if (this.#sending !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), delayMs).unref();
  }

  #run(): void {
    this.#sending = this.#sendWhileFull(this.#options.maxBatchSpans).finally(() => {
      this.#sending = undefined;
      if (!this.#isClosed && this.#queue.length > 0) this.#schedule(this.#pauseMs());
    });
  }

  /** Sends one batch, and goes on while at least `fullAt` spans wait and the collector takes them. */
  async #sendWhileFull(fullAt: number): Promise<void> {
    do {
      const batch = this.#queue.splice(0, this.#options.maxBatchSpans);
      if (batch.length === 0) return;
      this.#account(batch, await this.#sender.send(batch));
    } while (this.#queue.length >= fullAt && this.#state.type === 'healthy');
  }

  #account(batch: readonly FinishedSpan[], result: SendResult): void {
    if (result.type === 'failed') {
      this.#metrics.add(exportFailuresTotal);
      this.#onFailure(result.message);
      this.#drop(result.reason, batch.length);
      return;
    }
    this.#metrics.add(spansExportedTotal, batch.length);
    this.#metrics.add(tracesExportedTotal, batch.filter((span) => span.isEntry).length);
    if (this.#state.type === 'healthy') return;
    this.#health.onRecovered(this.#sender.destination, this.#state.droppedSpans);
    this.#state = { type: 'healthy' };
  }

  #onFailure(message: string): void {
    if (this.#state.type === 'failing') {
      this.#state.attempts += 1;
      return;
    }
    this.#state = { type: 'failing', attempts: 1, droppedSpans: 0 };
    this.#health.onFailing(this.#sender.destination, message);
  }

  #drop(reason: keyof typeof dropped, count: number): void {
    this.#metrics.add(dropped[reason], count);
    if (this.#state.type === 'failing') this.#state.droppedSpans += count;
  }

  #pauseMs(): number {
    if (this.#state.type === 'healthy') return this.#options.intervalMs;
    return Math.min(this.#options.intervalMs * 2 ** this.#state.attempts, this.#options.maxPauseMs);
  }
}
