import { randomInt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { BatchTransport } from '../export/batch-transport.ts';
import { DiskSpool } from '../export/disk-spool.ts';
import { ExportLedger } from '../export/export-ledger.ts';
import { ExportQueue } from '../export/export-queue.ts';
import type { SpanBatch } from '../export/span-batch.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { Expander } from '../records/expand/expander.ts';
import { CHUNK_BYTES } from '../ring/ring-memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KeepPolicy } from '../sampling/keep-policy.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { WatchRules } from '../sampling/watch-rules.ts';
import { type ServiceNamer, toTraceDocument } from '../trace-document.ts';
import { FactsOfRecord } from './facts-of-record.ts';
import { KeptTraces } from './kept-traces.ts';
import { KeptVisitor } from './kept-visitor.ts';
import { SharedFigures } from './shared-figures.ts';
import { SignalSender } from './signal-sender.ts';
import type { ExemplarNotice, ExporterNotice, ExporterOptions, ExporterRequest } from './thread-protocol.ts';
import { TraceCollector } from './trace-collector.ts';
import { TraceIndex } from './trace-index.ts';
import { TraceSearch } from './trace-search.ts';
import { TraceTail } from './trace-tail.ts';
import { transportTo } from './transport-to.ts';
import { WindowAccount } from './window-account.ts';

/** Rough size of what the index remembers a place for: the ring holds no more of them. */
const BYTES_OF_PLACE = 64;
const SMALLEST_INDEX = 4096;
const KEPT_TRACES_REMEMBERED = 65_536;
/** Large requests cost least, and collectors take 4 MiB. */
const BATCH_BYTES = 1024 * 1024;
/** Of one role's spans in a batch: a batch is sent long before. */
const MAX_ROLE_BYTES = 8 * 1024 * 1024;
/** Records between two looks at the clock, and how long the thread may read before it lets sockets have their turn. */
const RECORDS_A_LOOK = 64;
const MAX_READ_MS = 10;
/** Nobody wakes the thread: that would cost the broker's a system call. So it looks, less often while nothing comes. */
const BUSY_PAUSE_MS = 10;
const IDLE_PAUSE_MS = 50;
const TAIL_TICK_MS = 100;

/**
 * The exporter: reads the ring, keeps what is worth it, sends it, and answers questions about what is recorded. Runs on a thread
 * of its own and belongs to it; `post` tells the broker's thread.
 */
export class Exporter {
  readonly #options: ExporterOptions;
  readonly #post: (notice: ExporterNotice) => void;
  readonly #figures: SharedFigures;
  readonly #ledger: ExportLedger;
  readonly #reader: RingReader;
  readonly #account: WindowAccount;
  readonly #encoder: OtlpSpanEncoder;
  readonly #visitor: KeptVisitor;
  readonly #watches = new WatchRules();
  readonly #collector: TraceCollector;
  readonly #search: TraceSearch;
  readonly #tail: TraceTail;
  readonly #queue: ExportQueue | undefined;
  readonly #signals: SignalSender | undefined;
  readonly #serviceName: ServiceNamer;
  readonly #batchExemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>;
  #lastFlushAt = now();
  #lastTickAt = now();
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    options: ExporterOptions,
    post: (notice: ExporterNotice) => void,
    queue: ExportQueue | undefined,
    ledger: ExportLedger,
    exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>,
  ) {
    const { ring, seed, broker, keep } = options;
    this.#options = options;
    this.#post = post;
    this.#queue = queue;
    this.#signals = SignalSender.from(options, post, random);
    this.#ledger = ledger;
    this.#batchExemplars = exemplars;
    this.#figures = new SharedFigures(options.figures);
    this.#reader = new RingReader(ring);
    this.#account = new WindowAccount(ring.data.byteLength / CHUNK_BYTES);
    this.#serviceName = (role) => String(options.resources[role]['service.name']);
    const { resources, serviceVersion } = options;
    this.#encoder = new OtlpSpanEncoder({ resources, serviceVersion, schemaUrl: '', maxBytes: MAX_ROLE_BYTES });
    this.#visitor = new KeptVisitor(this.#encoder);
    const expander = new Expander(this.#reader, seed, broker, options.attributes);
    const facts = new FactsOfRecord(expander.source);
    const counts = { kept: this.#figures.kept, notKept: this.#figures.notKept };
    const policy = new KeepPolicy(keep, this.#watches, counts, now());
    const isKept = queue !== undefined;
    this.#tail = new TraceTail(() => this.#search, this.#serviceName, this.#tailEvents(), now);
    this.#collector = new TraceCollector({
      reader: this.#reader,
      expander,
      index: new TraceIndex(indexCapacity(ring.data.byteLength)),
      kept: new KeptTraces(KEPT_TRACES_REMEMBERED),
      account: this.#account,
      decide: (unit, traces, trace) => {
        const known = facts.fill(unit, traces, trace);
        if (!isKept) {
          policy.observe(known, unit.endedAt);
          return 0;
        }
        const reason = policy.decide(known, unit.endedAt);
        return reason === undefined ? 0 : KEEP_REASON_INDEX[reason] + 1;
      },
      observe: (unit, trace) => policy.observe(facts.fill(unit, 1, trace), unit.endedAt),
      watchedBy: () => this.#watches.takeMatched(),
      visitor: this.#visitor,
      listener: this.#tail,
    });
    const searching = new RingReader(ring);
    this.#search = new TraceSearch(
      searching,
      new Expander(searching, seed, broker, { ...options.attributes, clientId: 'plain' }),
      this.#collector,
    );
  }

  static async start(options: ExporterOptions, post: (notice: ExporterNotice) => void): Promise<Exporter> {
    const ledger = new ExportLedger();
    const exemplars = new WeakMap<SpanBatch, readonly ExemplarNotice[]>();
    const queue = await startQueue(options, ledger, post, exemplars);
    const exporter = new Exporter(options, post, queue, ledger, exemplars);
    exporter.#turn();
    return exporter;
  }

  request(request: ExporterRequest): void {
    switch (request.type) {
      case 'find':
      case 'show':
      case 'flush':
      case 'window':
        void this.#serve(request);
        return;
      case 'tail':
        this.#tail.follow(request.id, request.filter);
        return;
      case 'untail':
        this.#tail.unfollow(request.id);
        return;
      case 'watch':
        this.#watches.replace(request.rules);
        return;
      case 'metrics':
        this.#signals?.metrics(request.snapshot);
        return;
      case 'log_lines':
        this.#signals?.logLines(request.lines, request.at);
        return;
      case 'close':
        void this.#close(request.limitMs);
    }
  }

  /** What was recorded before the question is part of the answer. */
  async #serve(request: Extract<ExporterRequest, { type: 'find' | 'show' | 'flush' | 'window' }>): Promise<void> {
    await this.#catchUp();
    switch (request.type) {
      case 'find':
        this.#answer(request.id, this.#search.find(request.filter, request.limit));
        return;
      case 'show': {
        const spans = this.#search.show(traceWords(request.traceId));
        this.#answer(request.id, spans.length === 0 ? [] : [spans]);
        return;
      }
      case 'flush':
        this.#flush();
        this.#publishFigures();
        this.#post({ type: 'flushed', id: request.id });
        return;
      case 'window': {
        this.#publishFigures();
        const window = { bytes: this.#options.ring.data.byteLength, oldestAt: this.#search.oldestAt() ?? null };
        this.#post({ type: 'window', id: request.id, window });
      }
    }
  }

  /** Reads what there is, sends what is due, and comes back when there may be more. */
  #turn(): void {
    if (this.#isClosing) return;
    const before = this.#reader.position;
    const isMore = this.#read();
    this.#sendDue();
    this.#publishFigures();
    if (isMore) this.#pause(0);
    else this.#pause(this.#reader.position === before ? IDLE_PAUSE_MS : BUSY_PAUSE_MS);
  }

  #pause(pauseMs: number): void {
    this.#timer = setTimeout(() => this.#turn(), pauseMs);
  }

  #read(): boolean {
    const startedAt = performance.now();
    let records = 0;
    return this.#collector.read(() => {
      records += 1;
      if (this.#encoder.bytes >= BATCH_BYTES) this.#flush();
      return records % RECORDS_A_LOOK === 0 && performance.now() - startedAt > MAX_READ_MS;
    });
  }

  /** Reads all that is recorded by now; in between, sockets and the disk of the spool have their turn. */
  async #catchUp(): Promise<void> {
    const head = this.#reader.position + this.#reader.lagWords;
    while (this.#read() && this.#reader.position < head) await setImmediate();
  }

  #sendDue(): void {
    const at = now();
    if (at - this.#lastFlushAt >= this.#options.intervalMs) this.#flush();
    if (at - this.#lastTickAt < TAIL_TICK_MS) return;
    this.#lastTickAt = at;
    this.#tail.tick();
    this.#tellWatched();
  }

  #tellWatched(): void {
    const counts = this.#watches.takeCounts();
    if (counts.length > 0) this.#post({ type: 'watched', counts });
  }

  #flush(): void {
    this.#lastFlushAt = now();
    if (this.#queue === undefined || this.#encoder.spans === 0) return;
    const batch = this.#encoder.takeBatch();
    this.#ledger.noRoom(batch.refused);
    this.#batchExemplars.set(batch, this.#visitor.takeExemplars());
    this.#queue.add(batch);
  }

  #publishFigures(): void {
    this.#figures.set('overwritten', this.#reader.overwrittenSpans);
    this.#figures.set('unsampled', this.#account.unsampled);
    this.#figures.set('undecided', this.#account.undecided + this.#encoder.spans);
    this.#figures.writeLedger(this.#ledger);
    this.#signals?.publishFigures();
  }

  #answer(id: number, traces: readonly (readonly FinishedSpan[])[]): void {
    const documents = traces.map((spans) => toTraceDocument(spans, this.#serviceName));
    this.#post({ type: 'answer', id, traces: documents });
  }

  #tailEvents() {
    return {
      trace: (id: number, trace: ReturnType<typeof toTraceDocument>) => this.#post({ type: 'trace', id, trace }),
      skipped: (id: number, count: number) => this.#post({ type: 'skipped', id, count }),
    };
  }

  async #close(limitMs: number): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#catchUp();
    this.#tellWatched();
    this.#flush();
    await Promise.all([this.#queue?.close(limitMs), this.#signals?.close(limitMs)]);
    this.#account.forget(this.#reader.position + this.#reader.capacityWords);
    this.#publishFigures();
    this.#post({ type: 'closed' });
  }
}

async function startQueue(
  options: ExporterOptions,
  ledger: ExportLedger,
  post: (notice: ExporterNotice) => void,
  exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>,
): Promise<ExportQueue | undefined> {
  const transport = transportTo(options.destination);
  if (transport === undefined) return undefined;
  const events = {
    onFailing: (destination: string, message: string) => post({ type: 'failing', destination, message }),
    onRecovered: (destination: string, droppedSpans: number) => post({ type: 'recovered', destination, droppedSpans }),
    onRejected: (destination: string, spans: number, message: string) =>
      post({ type: 'rejected', destination, spans, message }),
    onSpoolFailing: (folder: string, message: string) => post({ type: 'spool_failing', folder, message }),
  };
  const spool = options.spool && (await DiskSpool.open(options.spool, ledger, events));
  return ExportQueue.start(
    {
      maxBytes: options.queueBytes,
      maxRequests: 2,
      firstPauseMs: options.intervalMs,
      maxPauseMs: options.maxPauseMs,
    },
    { transport: telling(transport, post, exemplars), spool, ledger, events, random },
  );
}

/** Exemplars are told of once the collector has what they point to. */
function telling(
  transport: BatchTransport,
  post: (notice: ExporterNotice) => void,
  exemplars: WeakMap<SpanBatch, readonly ExemplarNotice[]>,
): BatchTransport {
  return {
    destination: transport.destination,
    close: () => transport.close(),
    async send(batch) {
      const result = await transport.send(batch);
      const told = exemplars.get(batch);
      if (result.type === 'taken' && told !== undefined && told.length > 0) post({ type: 'exported', exemplars: told });
      return result;
    },
  };
}

function indexCapacity(ringBytes: number): number {
  return Math.max(SMALLEST_INDEX, 2 ** Math.ceil(Math.log2(ringBytes / BYTES_OF_PLACE)));
}

function traceWords(traceId: string): Uint32Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(traceId, 'hex'));
  return new Uint32Array(bytes.buffer);
}

/** From 0 up to 1. */
function random(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
