import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { MetricsSnapshot } from '../metrics-snapshot.ts';
import type { WatchCount, WatchRule } from '../sampling/watch-rules.ts';
import type { TraceDocument } from '../trace-document.ts';
import type { RingWindow } from '../trace-stats.ts';
import type {
  ExemplarNotice,
  ExporterNotice,
  ExporterOptions,
  ExporterRequest,
  SignalNotice,
} from './thread-protocol.ts';
import type { TraceFilter } from './trace-filter.ts';

/** What the exporter's thread tells of; see thread-protocol.ts. */
export interface ExporterEvents {
  onFailing(destination: string, message: string): void;
  onRecovered(destination: string, droppedSpans: number): void;
  onRejected(destination: string, spans: number, message: string): void;
  onSpoolFailing(folder: string, message: string): void;
  onExported(exemplars: readonly ExemplarNotice[]): void;
  onWatched(counts: readonly WatchCount[]): void;
  onSignal(notice: SignalNotice): void;
  /** The thread is gone, and with it what it had not sent. */
  onBroken(error: Error): void;
}

/** Who follows traces as they come. */
export interface TraceFollower {
  trace(trace: TraceDocument): void;
  skipped(count: number): void;
}

type Answer = Extract<ExporterNotice, { type: 'answer' | 'flushed' | 'window' }>;

/**
 * A thread's heap begins so small that the copies which gRPC makes of requests (outside of it, but counted) set off a full
 * collection every few of them: half of what exporting costs. The engine looks at this only where a heap is made.
 */
const FIRST_HEAP_LIMIT = '--initial-old-space-size=96';

/** Beyond the limit that the thread keeps itself. */
const CLOSE_GRACE_MS = 1000;

/** The broker's side of the exporter's thread. */
export class ExporterThread {
  readonly #worker: Worker;
  readonly #events: ExporterEvents;
  readonly #answers = new Map<number, (answer: Answer | undefined) => void>();
  readonly #followers = new Map<number, TraceFollower>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #isOver = false;
  #isClosing = false;

  constructor(
    options: ExporterOptions,
    environment: Readonly<Record<string, string | undefined>>,
    events: ExporterEvents,
  ) {
    this.#events = events;
    // The same ending as this file: .ts from the sources, .js once packed.
    const ending = extname(fileURLToPath(import.meta.url));
    setFlagsFromString(FIRST_HEAP_LIMIT);
    this.#worker = new Worker(new URL(`./exporter-worker${ending}`, import.meta.url), {
      name: 'exporter',
      workerData: options,
      env: { ...environment } as NodeJS.ProcessEnv,
    });
    this.#worker.on('message', (notice: ExporterNotice) => this.#onNotice(notice));
    this.#worker.on('error', (error) => this.#events.onBroken(error));
    // Not events.once(): that one rejects where the thread fails.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#worker.once('exit', () => {
      this.#isOver = true;
      for (const answer of this.#answers.values()) answer(undefined);
      this.#answers.clear();
      resolve();
    });
    // The thread alone keeps no process alive.
    this.#worker.unref();
  }

  async find(filter: TraceFilter, limit: number): Promise<readonly TraceDocument[]> {
    const answer = await this.#ask((id) => ({ type: 'find', id, filter, limit }));
    return answer?.type === 'answer' ? answer.traces : [];
  }

  async show(traceId: string): Promise<TraceDocument | undefined> {
    const answer = await this.#ask((id) => ({ type: 'show', id, traceId }));
    return answer?.type === 'answer' ? answer.traces[0] : undefined;
  }

  /** What the ring holds, once everything recorded before has been read. */
  async window(): Promise<RingWindow> {
    const answer = await this.#ask((id) => ({ type: 'window', id }));
    return answer?.type === 'window' ? answer.window : { bytes: 0, oldestAt: null };
  }

  /** Tells the follower of traces until the returned function is called. */
  follow(filter: TraceFilter, follower: TraceFollower): () => void {
    const id = this.#newId();
    this.#followers.set(id, follower);
    this.#send({ type: 'tail', id, filter });
    return () => {
      if (this.#followers.delete(id)) this.#send({ type: 'untail', id });
    };
  }

  watch(rules: readonly WatchRule[]): void {
    this.#send({ type: 'watch', rules });
  }

  metrics(snapshot: MetricsSnapshot): void {
    this.#send({ type: 'metrics', snapshot });
  }

  /** @param at Unix milliseconds */
  logLines(lines: readonly string[], at: number): void {
    this.#send({ type: 'log_lines', lines, at });
  }

  /** Everything recorded before has been read, decided on, and what is kept is on its way. */
  async flush(): Promise<void> {
    await this.#ask((id) => ({ type: 'flush', id }));
  }

  /** Sends what is kept, within the limit; the thread has ended then. */
  async close(limitMs: number): Promise<void> {
    if (this.#isOver) return;
    this.#isClosing = true;
    this.#worker.ref();
    this.#send({ type: 'close', limitMs });
    const timer = setTimeout(() => void this.#worker.terminate(), limitMs + CLOSE_GRACE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Undefined: the thread is gone. */
  #ask(request: (id: number) => ExporterRequest): Promise<Answer | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    const id = this.#newId();
    // Whoever waits for an answer wants the process to live for it.
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#send(request(id));
    });
  }

  #send(request: ExporterRequest): void {
    if (!this.#isOver) this.#worker.postMessage(request);
  }

  #newId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  #onNotice(notice: ExporterNotice): void {
    switch (notice.type) {
      case 'answer':
      case 'flushed':
      case 'window':
        this.#answers.get(notice.id)?.(notice);
        this.#answers.delete(notice.id);
        if (this.#answers.size === 0 && !this.#isClosing) this.#worker.unref();
        return;
      case 'trace':
        this.#followers.get(notice.id)?.trace(notice.trace);
        return;
      case 'skipped':
        this.#followers.get(notice.id)?.skipped(notice.count);
        return;
      case 'watched':
        this.#events.onWatched(notice.counts);
        return;
      case 'exported':
        this.#events.onExported(notice.exemplars);
        return;
      case 'failing':
        this.#events.onFailing(notice.destination, notice.message);
        return;
      case 'recovered':
        this.#events.onRecovered(notice.destination, notice.droppedSpans);
        return;
      case 'rejected':
        this.#events.onRejected(notice.destination, notice.spans, notice.message);
        return;
      case 'spool_failing':
        this.#events.onSpoolFailing(notice.folder, notice.message);
        return;
      case 'signal_failing':
      case 'signal_recovered':
      case 'signal_rejected':
        this.#events.onSignal(notice);
        return;
      case 'closed':
        return;
    }
  }
}
