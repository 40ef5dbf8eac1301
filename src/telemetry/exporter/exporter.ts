import { setImmediate, setTimeout } from 'node:timers/promises';
import { ExportLedger } from '../export/export-ledger.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { Expander } from '../records/expand/expander.ts';
import { CHUNK_BYTES } from '../ring/ring-memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KeepPolicy } from '../sampling/keep-policy.ts';
import { WatchRules } from '../sampling/watch-rules.ts';
import { type ServiceNamer, toTraceDocument } from '../trace-document.ts';
import { FactsOfRecord } from './facts-of-record.ts';
import { KeptTraces } from './kept-traces.ts';
import { KeptVisitor } from './kept-visitor.ts';
import { BATCH_BYTES, Outbound, random } from './outbound.ts';
import { PolicyDecisions } from './policy-decisions.ts';
import { SharedFigures } from './shared-figures.ts';
import { SignalSender } from './signal-sender.ts';
import type { ExporterNotice, ExporterOptions, ExporterRequest } from './thread-protocol.ts';
import { TraceCollector } from './trace-collector.ts';
import { TraceHash } from './trace-hash.ts';
import { TraceIndex } from './trace-index.ts';
import { TraceSearch } from './trace-search.ts';
import { TraceTail } from './trace-tail.ts';
import { UnitEncoder } from './unit-encoder.ts';
import { WindowAccount } from './window-account.ts';

/** Share of the ring from which on it is read, whether what is read can leave or not. */
const MAX_LAG_SHARE = 1 / 2;
/** How long who looks for traces waits for what is held back. */
const MAX_HELD_BACK_MS = 2000;
const HELD_BACK_PAUSE_MS = 2;
/** Rough size of what the index remembers a place for: the ring holds no more of them. */
const BYTES_OF_PLACE = 64;
const SMALLEST_INDEX = 4096;
/** Of the parts that are remembered: a message has about three. */
const KEPT_TRACES_SHARE = 1 / 4;
/** Of one role's spans in a batch: a batch is sent long before. */
const MAX_ROLE_BYTES = 8 * 1024 * 1024;
/** Records between two looks at the clock, and how long the thread may read before it lets sockets have their turn. */
const RECORDS_A_LOOK = 64;
const MAX_READ_MS = 10;
/**
 * Nobody wakes the thread: that would cost the broker's a system call. So it looks, less often while little or nothing comes. While much
 * does, it takes it in small helpings, since clients on the same machine wait for the processor meanwhile.
 */
const FULL_PAUSE_MS = 2;
const BUSY_PAUSE_MS = 10;
const IDLE_PAUSE_MS = 50;
const MUCH_WORDS = 2048;
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
  readonly #signals: SignalSender | undefined;
  readonly #serviceName: ServiceNamer;
  readonly #outbound: Outbound | undefined;
  #lastFlushAt = now();
  #lastTickAt = now();
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    options: ExporterOptions,
    post: (notice: ExporterNotice) => void,
    outbound: Outbound | undefined,
    ledger: ExportLedger,
  ) {
    const { ring, seed, broker, keep } = options;
    this.#options = options;
    this.#post = post;
    this.#signals = SignalSender.from(options, post, random);
    this.#ledger = ledger;
    this.#outbound = outbound;
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
    const places = indexCapacity(ring.data.byteLength);
    const hash = new TraceHash(seed);
    this.#tail = new TraceTail(() => this.#search, this.#serviceName, this.#tailEvents(), now);
    this.#collector = new TraceCollector({
      reader: this.#reader,
      expander,
      index: new TraceIndex(places, hash),
      kept: new KeptTraces(places * KEPT_TRACES_SHARE, hash),
      account: this.#account,
      decisions: new PolicyDecisions(policy, facts, this.#watches, outbound !== undefined),
      visitor: this.#visitor,
      units: new UnitEncoder(this.#encoder, this.#visitor),
      // Not only between records: one can stand for more spans than a batch may have.
      onShown: () => {
        if (this.#encoder.bytes >= BATCH_BYTES) this.#flush();
      },
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
    const outbound = await Outbound.start(options, ledger, post);
    const exporter = new Exporter(options, post, outbound, ledger);
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
    await this.#catchUp(request.type === 'flush' ? Number.POSITIVE_INFINITY : MAX_HELD_BACK_MS);
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
    const isMore = this.#isHeldBack() || this.#read();
    this.#sendDue();
    this.#publishFigures();
    if (isMore) this.#pause(this.#isHeldBack() ? HELD_BACK_PAUSE_MS : 0);
    else this.#pause(pauseAfter(this.#reader.position - before));
  }

  #pause(pauseMs: number): void {
    this.#timer = globalThis.setTimeout(() => this.#turn(), pauseMs);
  }

  #read(): boolean {
    const startedAt = performance.now();
    let records = 0;
    return this.#collector.read(() => {
      records += 1;
      return this.#isHeldBack() || (records % RECORDS_A_LOOK === 0 && performance.now() - startedAt > MAX_READ_MS);
    });
  }

  /** What cannot leave yet waits in the ring, as long as that has room: sockets get their turns, and nothing is dropped. */
  #isHeldBack(): boolean {
    return this.#outbound?.isSlower === true && this.#reader.lagWords < this.#reader.capacityWords * MAX_LAG_SHARE;
  }

  /** Reads all that is recorded by now; in between, sockets and the disk of the spool have their turn. */
  async #catchUp(maxHeldBackMs: number): Promise<void> {
    const head = this.#reader.position + this.#reader.lagWords;
    const until = performance.now() + maxHeldBackMs;
    while (this.#reader.position < head) {
      if (this.#isHeldBack() && performance.now() < until) await setTimeout(HELD_BACK_PAUSE_MS);
      else if (this.#read()) await setImmediate();
      else return;
    }
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
    if (this.#outbound === undefined || this.#encoder.spans === 0) return;
    const batch = this.#encoder.takeBatch(this.#outbound.take);
    this.#ledger.noRoom(batch.refused);
    this.#outbound.add(batch, this.#visitor.takeExemplars());
  }

  #publishFigures(): void {
    this.#figures.publish((figures) => {
      figures.set('read', this.#account.readSpans);
      figures.set('overwritten', this.#reader.overwrittenSpans);
      figures.set('unsampled', this.#account.unsampled);
      figures.set('undecided', this.#account.undecided + this.#encoder.spans);
      figures.writeLedger(this.#ledger);
    });
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
    await this.#catchUp(limitMs / 2);
    this.#tellWatched();
    this.#flush();
    await Promise.all([this.#outbound?.close(limitMs), this.#signals?.close(limitMs)]);
    this.#account.forget(this.#reader.position + this.#reader.capacityWords);
    this.#publishFigures();
    this.#post({ type: 'closed' });
  }
}

function pauseAfter(wordsRead: number): number {
  if (wordsRead === 0) return IDLE_PAUSE_MS;
  return wordsRead < MUCH_WORDS ? BUSY_PAUSE_MS : FULL_PAUSE_MS;
}

function indexCapacity(ringBytes: number): number {
  return Math.max(SMALLEST_INDEX, 2 ** Math.ceil(Math.log2(ringBytes / BYTES_OF_PLACE)));
}

function traceWords(traceId: string): Uint32Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(traceId, 'hex'));
  return new Uint32Array(bytes.buffer);
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
