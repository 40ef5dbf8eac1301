import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS, SPANS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { counterId, Metrics } from '../metrics.ts';
import { BatchExporter, type BatchExporterOptions } from './batch-exporter.ts';
import type { SendResult, SpanSender } from './span-sender.ts';

const HOUR_MS = 3_600_000;
/** The interval never passes within a test: what is sent is sent for another reason. */
const OPTIONS: BatchExporterOptions = {
  maxQueueSpans: 100,
  maxBatchSpans: 3,
  intervalMs: HOUR_MS,
  maxPauseMs: HOUR_MS,
};
const FAILED: SendResult = { type: 'failed', reason: 'export_failed', message: 'refused' };
const dropped = (reason: 'queue_full' | 'export_failed' | 'shutdown') => counterId(METRICS.spansDroppedTotal, reason);

const SPAN: FinishedSpan = {
  definition: SPANS.mqttPingreq,
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parent: { type: 'none' },
  isEntry: true,
  startedAt: 1000,
  endedAt: 1001,
  attributes: [],
  droppedAttributes: 0,
  links: [],
  droppedLinks: 0,
  failure: null,
};

/** A destination in memory: answers as told, and shows what came in which batch. */
class Destination implements SpanSender {
  readonly destination = 'memory';
  readonly batches: number[] = [];
  answer: () => Promise<SendResult> = async () => ({ type: 'taken' });
  #onBatch: (() => void) | undefined;
  closed = false;

  send(spans: readonly FinishedSpan[]): Promise<SendResult> {
    this.batches.push(spans.length);
    this.#onBatch?.();
    return this.answer();
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  nextBatch(): Promise<void> {
    return new Promise((resolve) => {
      this.#onBatch = resolve;
    });
  }
}

function exporting(options: Partial<BatchExporterOptions> = {}) {
  const metrics = new Metrics();
  const sender = new Destination();
  const health: string[] = [];
  const exporter = new BatchExporter({ ...OPTIONS, ...options }, sender, metrics, {
    onFailing: (_, message) => health.push(`failing: ${message}`),
    onRecovered: (_, droppedSpans) => health.push(`recovered, ${droppedSpans} lost`),
  });
  const add = (count: number) => {
    for (let index = 0; index < count; index += 1) exporter.add(SPAN);
  };
  return { metrics, sender, health, exporter, add };
}

describe('the batch exporter', () => {
  it('sends a full batch at once and leaves the rest for the interval', async () => {
    const { sender, exporter, add } = exporting();
    const sent = sender.nextBatch();
    add(4);
    await sent;
    assert.deepEqual(sender.batches, [3]);
    await exporter.close(HOUR_MS);
    assert.deepEqual(sender.batches, [3, 1]);
  });

  it('sends what waits when it is closed, and closes the sender', async () => {
    const { metrics, sender, exporter, add } = exporting();
    add(2);
    await exporter.close(HOUR_MS);
    assert.deepEqual(sender.batches, [2]);
    assert.equal(sender.closed, true);
    assert.equal(metrics.value(counterId(METRICS.spansExportedTotal)), 2);
    assert.equal(metrics.value(counterId(METRICS.tracesExportedTotal)), 2);
  });

  it('drops and counts what comes on top of a full queue, and what comes after the end', async () => {
    const { metrics, exporter, add } = exporting({ maxQueueSpans: 2 });
    add(5);
    assert.equal(metrics.value(dropped('queue_full')), 3);
    await exporter.close(HOUR_MS);
    add(1);
    assert.equal(metrics.value(dropped('shutdown')), 1);
  });

  it('drops and counts a batch that fails, and tells once that the destination is away', async () => {
    const { metrics, sender, health, exporter, add } = exporting({ intervalMs: 0, maxPauseMs: 0 });
    sender.answer = async () => FAILED;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const sent = sender.nextBatch();
      add(1);
      await sent;
      await Promise.resolve();
    }
    sender.answer = async () => ({ type: 'taken' });
    add(1);
    await exporter.close(HOUR_MS);
    assert.deepEqual(health, ['failing: refused', 'recovered, 2 lost']);
    assert.equal(metrics.value(counterId(METRICS.exportFailuresTotal)), 2);
    assert.equal(metrics.value(dropped('export_failed')), 2);
  });

  it('does not wait for a destination that hangs longer than it may', async () => {
    const { metrics, sender, exporter, add } = exporting({ maxBatchSpans: 2 });
    sender.answer = () => new Promise(() => {});
    const sent = sender.nextBatch();
    add(3);
    await sent;
    await exporter.close(0);
    assert.equal(metrics.value(dropped('shutdown')), 1);
  });
});
