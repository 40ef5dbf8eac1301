import { approximateBytes, type FinishedSpan } from './finished-span.ts';

export interface RecentTracesBounds {
  readonly maxTraces: number;
  readonly maxSpans: number;
  readonly maxBytes: number;
}

/** The finished spans of one trace, in the order they ended. */
export interface RecentTrace {
  readonly traceId: string;
  readonly spans: readonly FinishedSpan[];
  /** Spans of this trace that were not kept, because it would have filled the store alone. */
  readonly droppedSpans: number;
}

interface StoredTrace {
  readonly traceId: string;
  readonly spans: FinishedSpan[];
  bytes: number;
  droppedSpans: number;
  /** Neighbours in the order of their last spans. */
  older: StoredTrace | null;
  newer: StoredTrace | null;
}

/** One trace may take this share of the store, so that a runaway trace does not push out all others. */
const SHARE_OF_ONE_TRACE = 0.25;

/** The newest traces, in memory: by last span, the oldest leave whole when a bound is reached. */
export class RecentTraces {
  readonly #bounds: RecentTracesBounds;
  readonly #traces = new Map<string, StoredTrace>();
  readonly #listeners = new Set<(span: FinishedSpan) => void>();
  // The order is a list of its own: taking the first of a Map over and over walks over all that were deleted before it.
  #oldest: StoredTrace | null = null;
  #newest: StoredTrace | null = null;
  #spans = 0;
  #bytes = 0;

  constructor(bounds: RecentTracesBounds) {
    this.#bounds = bounds;
  }

  get spanCount(): number {
    return this.#spans;
  }

  get approximateBytes(): number {
    return this.#bytes;
  }

  add(span: FinishedSpan): void {
    const trace = this.#touch(span.traceId);
    const bytes = approximateBytes(span);
    if (this.#isFull(trace, bytes)) trace.droppedSpans += 1;
    else {
      trace.spans.push(span);
      trace.bytes += bytes;
      this.#spans += 1;
      this.#bytes += bytes;
    }
    while (this.#oldest !== null && this.#isOverBounds()) this.#remove(this.#oldest);
    for (const listener of this.#listeners) listener(span);
  }

  get(traceId: string): RecentTrace | undefined {
    return this.#traces.get(traceId);
  }

  *newestFirst(): Generator<RecentTrace> {
    for (let trace = this.#newest; trace !== null; trace = trace.older) yield trace;
  }

  /** Calls back for every span from now on, until the returned function is called. */
  follow(onSpan: (span: FinishedSpan) => void): () => void {
    this.#listeners.add(onSpan);
    return () => this.#listeners.delete(onSpan);
  }

  #touch(traceId: string): StoredTrace {
    let trace = this.#traces.get(traceId);
    if (trace === undefined) {
      trace = { traceId, spans: [], bytes: 0, droppedSpans: 0, older: null, newer: null };
      this.#traces.set(traceId, trace);
    } else if (trace === this.#newest) return trace;
    else this.#unlink(trace);
    trace.older = this.#newest;
    if (this.#newest === null) this.#oldest = trace;
    else this.#newest.newer = trace;
    this.#newest = trace;
    return trace;
  }

  #isFull(trace: StoredTrace, bytes: number): boolean {
    if (trace.spans.length === 0) return false;
    return (
      trace.spans.length + 1 > this.#bounds.maxSpans * SHARE_OF_ONE_TRACE ||
      trace.bytes + bytes > this.#bounds.maxBytes * SHARE_OF_ONE_TRACE
    );
  }

  #isOverBounds(): boolean {
    const { maxTraces, maxSpans, maxBytes } = this.#bounds;
    return this.#traces.size > maxTraces || this.#spans > maxSpans || this.#bytes > maxBytes;
  }

  #remove(trace: StoredTrace): void {
    this.#unlink(trace);
    this.#traces.delete(trace.traceId);
    this.#spans -= trace.spans.length;
    this.#bytes -= trace.bytes;
  }

  #unlink(trace: StoredTrace): void {
    if (trace.older === null) this.#oldest = trace.newer;
    else trace.older.newer = trace.newer;
    if (trace.newer === null) this.#newest = trace.older;
    else trace.newer.older = trace.older;
    trace.older = null;
    trace.newer = null;
  }
}
