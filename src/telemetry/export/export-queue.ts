import type { BatchTransport, SendResult } from './batch-transport.ts';
import { type DiskSpool, type SpooledFile, waitingInMemory } from './disk-spool.ts';
import type { ExportEvents } from './export-events.ts';
import type { ExportDropReason, ExportLedger } from './export-ledger.ts';
import type { SpanBatch } from './span-batch.ts';

export interface ExportQueueOptions {
  /** Of the batches in memory, those in flight included. */
  readonly maxBytes: number;
  /** In flight at once while the collector takes them; one while it does not. */
  readonly maxRequests: number;
  /** Between attempts while the collector is away: twice as long after each, from the first to the longest. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

export interface ExportQueueParts {
  readonly transport: BatchTransport;
  /** Undefined: nothing goes to disk. */
  readonly spool: DiskSpool | undefined;
  readonly ledger: ExportLedger;
  readonly events: ExportEvents;
  /** From 0 up to 1: processes that lost the same collector do not come back in step. */
  readonly random: () => number;
}

/** Something to send, and where it waits until it has been taken. */
type Parcel = QueuedParcel | { readonly place: 'spool'; readonly file: SpooledFile };
interface QueuedParcel {
  readonly place: 'queue';
  readonly batch: SpanBatch;
  /** Of the batches handed over: which is older. */
  readonly number: number;
}

type ExportState =
  | { readonly type: 'healthy' }
  | { readonly type: 'failing'; readonly attempts: number; readonly droppedBefore: number };
type ClosingState = 'open' | 'closing' | 'given_up' | 'closed';

/** Share of `maxBytes` from which the oldest batches move to disk: the rest is for what comes while the disk works. */
const SPILL_SHARE = 0.75;
/** Batches that go to disk together are one request later: well below the 4 MiB that a gRPC server takes by default. */
const FILE_BYTES = 1024 * 1024;
const PAUSE_JITTER = 0.2;

/**
 * From the encoder to the collector: a bounded queue in memory, a spool on disk behind it. Whatever has to go for want of
 * room is the oldest. What lies on disk is older than what lies in memory, and as long as there is both, requests are
 * made of the one and of the other in turn: the backlog leaves in its order, and fresh spans do not wait for its end.
 * A batch stays where it is until it was answered: what nobody answered is sent again and may arrive twice.
 */
export class ExportQueue {
  readonly #options: ExportQueueOptions;
  readonly #transport: BatchTransport;
  readonly #spool: DiskSpool | undefined;
  readonly #ledger: ExportLedger;
  readonly #events: ExportEvents;
  readonly #random: () => number;
  /** Oldest first. */
  readonly #waiting: QueuedParcel[] = [];
  #nextNumber = 0;
  readonly #inFlight = new Set<Parcel>();
  #lastPlace: Parcel['place'] = 'queue';
  #state: ExportState = { type: 'healthy' };
  #pause: NodeJS.Timeout | undefined;
  #spilling: Promise<void> | undefined;
  #closing: ClosingState = 'open';
  readonly #drained = Promise.withResolvers<void>();

  private constructor(options: ExportQueueOptions, parts: ExportQueueParts) {
    this.#options = options;
    this.#transport = parts.transport;
    this.#spool = parts.spool;
    this.#ledger = parts.ledger;
    this.#events = parts.events;
    this.#random = parts.random;
  }

  /** Begins with what an earlier run left in the spool. */
  static start(options: ExportQueueOptions, parts: ExportQueueParts): ExportQueue {
    const queue = new ExportQueue(options, parts);
    queue.#pump();
    return queue;
  }

  /** Takes the bytes over: they must not be written to afterwards. */
  add(batch: SpanBatch): void {
    this.#ledger.handed(waitingInMemory(batch));
    if (this.#closing !== 'open') {
      this.#ledger.dropped('queue', waitingInMemory(batch), 'shutdown');
      return;
    }
    this.#waiting.push({ place: 'queue', batch, number: this.#nextNumber });
    this.#nextNumber += 1;
    while (this.#ledger.queuedBytes > this.#options.maxBytes && this.#waiting.length > 0)
      this.#dropOldest('queue_full');
    this.#pump();
    this.#spilling ??= this.#spillsNow ? this.#spill() : undefined;
  }

  /**
   * Sends what waits in memory, for at most `limitMs`, and as long as the collector takes it. The rest goes to the spool,
   * with what was sent and not answered; without a spool it is dropped.
   */
  async close(limitMs: number): Promise<void> {
    this.#closing = 'closing';
    this.#endPause();
    const timer = setTimeout(() => this.#drained.resolve(), limitMs);
    this.#pump();
    await this.#drained.promise;
    clearTimeout(timer);
    this.#closing = 'closed';
    for (const parcel of this.#inFlight) if (parcel.place === 'queue') this.#giveBack(parcel);
    this.#inFlight.clear();
    await this.#spilling;
    await this.#spillWhile(() => true);
    while (this.#waiting.length > 0) this.#dropOldest('shutdown');
    await this.#transport.close();
  }

  /** The last request was answered. */
  get isHealthy(): boolean {
    return this.#state.type === 'healthy';
  }

  get #spillsNow(): boolean {
    return this.#ledger.queuedBytes > this.#options.maxBytes * SPILL_SHARE;
  }

  get #requestsAllowed(): number {
    if (this.#pause !== undefined || this.#closing === 'given_up' || this.#closing === 'closed') return 0;
    return this.#state.type === 'failing' ? 1 : this.#options.maxRequests;
  }

  #pump(): void {
    while (this.#inFlight.size < this.#requestsAllowed) {
      const parcel = this.#next();
      if (parcel === undefined) break;
      this.#inFlight.add(parcel);
      void this.#deliver(parcel);
    }
    const isDone = this.#waiting.length === 0 || this.#closing === 'given_up';
    if (this.#closing !== 'open' && isDone && this.#inFlight.size === 0) this.#drained.resolve();
  }

  /** From memory and from disk in turn, where there is both. What lies on disk stays there when the process ends. */
  #next(): Parcel | undefined {
    const fromSpool = this.#closing === 'open' && (this.#lastPlace === 'queue' || this.#waiting.length === 0);
    const file = fromSpool ? this.#spool?.take() : undefined;
    if (file !== undefined) {
      this.#lastPlace = 'spool';
      return { place: 'spool', file };
    }
    this.#lastPlace = 'queue';
    return this.#waiting.shift();
  }

  async #deliver(parcel: Parcel): Promise<void> {
    const batch = parcel.place === 'queue' ? parcel.batch : await this.#spool!.read(parcel.file);
    const result = batch && (await this.#transport.send(batch));
    // After the end the batch is where close() has put it, whatever became of the request.
    if (!this.#inFlight.has(parcel)) return;
    const isSettled = result !== undefined && this.#settle(parcel, result);
    if (isSettled && parcel.place === 'spool') await this.#spool!.remove(parcel.file.path);
    this.#inFlight.delete(parcel);
    this.#pump();
  }

  /** Whether the batch has left. */
  #settle(parcel: Parcel, result: SendResult): boolean {
    if (result.type === 'unavailable') {
      this.#giveBack(parcel);
      this.#onFailure(result.message);
      return false;
    }
    const waiting = parcel.place === 'queue' ? waitingInMemory(parcel.batch) : parcel.file;
    if (result.type === 'taken') {
      this.#ledger.exported(parcel.place, waiting, result.rejectedSpans);
      if (result.rejectedSpans > 0) this.#onRejected(result.rejectedSpans, result.message);
      this.#onSuccess();
    } else {
      this.#ledger.requestsFailed += 1;
      this.#ledger.dropped(parcel.place, waiting, 'rejected');
      this.#onRejected(waiting.spans, result.message);
    }
    return true;
  }

  #giveBack(parcel: Parcel): void {
    if (parcel.place === 'spool') {
      this.#spool!.giveBack(parcel.file);
      return;
    }
    const at = this.#waiting.findIndex(({ number }) => number > parcel.number);
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, parcel);
  }

  #onFailure(message: string): void {
    this.#ledger.requestsFailed += 1;
    if (this.#closing === 'closing') this.#closing = 'given_up';
    const state = this.#state;
    if (state.type === 'healthy') {
      this.#state = { type: 'failing', attempts: 1, droppedBefore: this.#ledger.totalDroppedSpans };
      this.#events.onFailing(this.#transport.destination, message);
    } else if (this.#pause === undefined) {
      this.#state = { ...state, attempts: state.attempts + 1 };
    }
    if (this.#closing === 'open') this.#pause ??= setTimeout(() => this.#resume(), this.#pauseMs()).unref();
  }

  #onSuccess(): void {
    if (this.#state.type === 'healthy') return;
    const droppedSpans = this.#ledger.totalDroppedSpans - this.#state.droppedBefore;
    this.#state = { type: 'healthy' };
    this.#endPause();
    this.#events.onRecovered(this.#transport.destination, droppedSpans);
  }

  #onRejected(spans: number, message: string): void {
    this.#events.onRejected(this.#transport.destination, spans, message);
  }

  #pauseMs(): number {
    const attempts = this.#state.type === 'failing' ? this.#state.attempts : 1;
    const pauseMs = Math.min(this.#options.firstPauseMs * 2 ** (attempts - 1), this.#options.maxPauseMs);
    return pauseMs * (1 + PAUSE_JITTER * (2 * this.#random() - 1));
  }

  #resume(): void {
    this.#endPause();
    this.#pump();
  }

  #endPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #dropOldest(reason: ExportDropReason): void {
    this.#ledger.dropped('queue', waitingInMemory(this.#waiting.shift()!.batch), reason);
  }

  async #spill(): Promise<void> {
    await this.#spillWhile(() => this.#closing !== 'closed' && this.#spillsNow);
    this.#spilling = undefined;
    this.#pump();
  }

  async #spillWhile(isWanted: () => boolean): Promise<void> {
    while (this.#spool !== undefined && this.#waiting.length > 0 && isWanted())
      await this.#spool.write(this.#oldestForOneFile());
  }

  #oldestForOneFile(): SpanBatch[] {
    let fileBytes = 0;
    const end = this.#waiting.findIndex(({ batch }, index) => {
      fileBytes += batch.bytes.length;
      return index > 0 && fileBytes > FILE_BYTES;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end).map(({ batch }) => batch);
  }
}
