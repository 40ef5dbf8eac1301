import type { BatchTransport } from './batch-transport.ts';
import type { ExportEvents } from './export-events.ts';
import { ExportLedger } from './export-ledger.ts';
import { ExportQueue } from './export-queue.ts';

export interface SignalExporterOptions {
  /** Of the requests that wait; the oldest go first. */
  readonly maxBytes: number;
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

/**
 * Metrics or logs on their way to the collector: encoded requests in a bounded queue, one at a time, without a spool. What is
 * lost of them is in the process still: counters go on, and the log is on standard error.
 */
export class SignalExporter {
  /** Its spans are data points or log records here. */
  readonly ledger = new ExportLedger();
  readonly #queue: ExportQueue;

  constructor(options: SignalExporterOptions, transport: BatchTransport, events: ExportEvents, random: () => number) {
    const { ledger } = this;
    this.#queue = ExportQueue.start(
      { ...options, maxRequests: 1 },
      { transport, spool: undefined, ledger, events, random },
    );
  }

  /** @param items data points or log records in the request */
  add(request: Uint8Array, items: number): void {
    this.#queue.add({ bytes: request, spans: items, traces: 0 });
  }

  /** Sends what waits, for at most `limitMs`; the rest is dropped and counted. */
  close(limitMs: number): Promise<void> {
    return this.#queue.close(limitMs);
  }
}
