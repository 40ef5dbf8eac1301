import { randomInt } from 'node:crypto';
import { BatchMemory } from '../export/batch-memory.ts';
import type { BatchTransport } from '../export/batch-transport.ts';
import { DiskSpool } from '../export/disk-spool.ts';
import type { ExportLedger } from '../export/export-ledger.ts';
import { ExportQueue } from '../export/export-queue.ts';
import type { SpanBatch } from '../export/span-batch.ts';
import type { ExemplarNotice, ExporterNotice, ExporterOptions } from './thread-protocol.ts';
import { transportTo } from './transport-to.ts';

/** Large requests cost least, and collectors take 4 MiB. */
export const BATCH_BYTES = 2 * 1024 * 1024;
/** The unit that makes a batch large enough is in it. */
const BATCH_MEMORY_BYTES = BATCH_BYTES + 128 * 1024;
/** While so many bytes wait, there is no hurry to make more. */
const ENOUGH_WAITING_BYTES = 4 * BATCH_BYTES;
const MAX_REQUESTS = 2;

/** Batches on their way from the encoder to their destination, and what is remembered of them until they have left. */
export class Outbound {
  readonly #ledger: ExportLedger;
  readonly #queue: ExportQueue;
  readonly #exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>;
  readonly #memory: BatchMemory;

  private constructor(
    ledger: ExportLedger,
    queue: ExportQueue,
    exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>,
    memory: BatchMemory,
  ) {
    this.#ledger = ledger;
    this.#queue = queue;
    this.#exemplars = exemplars;
    this.#memory = memory;
  }

  /** Undefined: nothing leaves the process. */
  static async start(
    options: ExporterOptions,
    ledger: ExportLedger,
    post: (notice: ExporterNotice) => void,
  ): Promise<Outbound | undefined> {
    const transport = transportTo(options.destination);
    if (transport === undefined) return undefined;
    const exemplars = new WeakMap<SpanBatch, readonly ExemplarNotice[]>();
    const memory = new BatchMemory(BATCH_MEMORY_BYTES);
    const events = eventsFor(post);
    const spool = options.spool && (await DiskSpool.open(options.spool, ledger, events));
    const queue = ExportQueue.start(
      {
        maxBytes: options.queueBytes,
        maxRequests: MAX_REQUESTS,
        firstPauseMs: options.intervalMs,
        maxPauseMs: options.maxPauseMs,
      },
      { transport: telling(transport, post, exemplars, memory), spool, ledger, events, random },
    );
    return new Outbound(ledger, queue, exemplars, memory);
  }

  /** Memory for a batch. */
  get take(): (bytes: number) => Uint8Array {
    return this.#memory.take;
  }

  add(batch: SpanBatch, exemplars: readonly ExemplarNotice[]): void {
    this.#exemplars.set(batch, exemplars);
    this.#queue.add(batch);
  }

  /** The destination takes what it is sent, but spans come faster than they leave. */
  get isSlower(): boolean {
    return this.#queue.isHealthy && this.#ledger.queuedBytes >= ENOUGH_WAITING_BYTES;
  }

  close(limitMs: number): Promise<void> {
    return this.#queue.close(limitMs);
  }
}

function eventsFor(post: (notice: ExporterNotice) => void) {
  return {
    onFailing: (destination: string, message: string) => post({ type: 'failing', destination, message }),
    onRecovered: (destination: string, droppedSpans: number) => post({ type: 'recovered', destination, droppedSpans }),
    onRejected: (destination: string, spans: number, message: string) =>
      post({ type: 'rejected', destination, spans, message }),
    onSpoolFailing: (folder: string, message: string) => post({ type: 'spool_failing', folder, message }),
  };
}

/** Once the collector has a batch, it is told what that has examples of, and its memory is free. */
function telling(
  transport: BatchTransport,
  post: (notice: ExporterNotice) => void,
  exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>,
  memory: BatchMemory,
): BatchTransport {
  const sentBefore = new WeakSet<SpanBatch>();
  return {
    destination: transport.destination,
    close: () => transport.close(),
    async send(batch) {
      const isFirst = !sentBefore.has(batch);
      sentBefore.add(batch);
      const result = await transport.send(batch);
      if (result.type !== 'taken') return result;
      const told = exemplars.get(batch);
      if (told !== undefined && told.length > 0) post({ type: 'exported', exemplars: told });
      // An attempt that was given up may still hold the bytes.
      if (isFirst) memory.giveBack(batch.bytes);
      return result;
    },
  };
}

/** From 0 up to 1. */
export function random(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}
