export const EXPORT_DROP_REASONS = [
  'queue_full',
  'rejected',
  'spool_full',
  'spool_corrupt',
  'spool_failed',
  'shutdown',
] as const;
export type ExportDropReason = (typeof EXPORT_DROP_REASONS)[number];

/** What is counted of something that waits: a batch in memory, or a file of the spool. */
export interface Waiting {
  readonly spans: number;
  readonly traces: number;
  /** What it takes where it lies. */
  readonly size: number;
}
export type Place = 'queue' | 'spool';

/**
 * Where every span is that was handed over. Each method is one step of a span's way, so that at any moment
 * handed + restored = exported + dropped + queued + spooled. What is in flight still counts as being where it was.
 */
export class ExportLedger {
  handedSpans = 0;
  /** Found in the spool at start: handed over in an earlier run. */
  restoredSpans = 0;
  exportedSpans = 0;
  exportedTraces = 0;
  queuedSpans = 0;
  queuedBytes = 0;
  spooledSpans = 0;
  spooledBytes = 0;
  /** Requests that were not answered, or not with success. */
  requestsFailed = 0;
  /** Files of the spool that could not be read as what was written; of some it is unknown how many spans they held. */
  corruptFiles = 0;
  readonly droppedSpans: Record<ExportDropReason, number> = {
    queue_full: 0,
    rejected: 0,
    spool_full: 0,
    spool_corrupt: 0,
    spool_failed: 0,
    shutdown: 0,
  };

  get totalDroppedSpans(): number {
    return EXPORT_DROP_REASONS.reduce((sum, reason) => sum + this.droppedSpans[reason], 0);
  }

  handed(batch: Waiting): void {
    this.handedSpans += batch.spans;
    this.#arrive('queue', batch);
  }

  /** Spans that did not fit into a batch. */
  noRoom(spans: number): void {
    this.handedSpans += spans;
    this.droppedSpans.queue_full += spans;
  }

  restored(file: Waiting): void {
    this.restoredSpans += file.spans;
    this.#arrive('spool', file);
  }

  /** What waited in memory lies in a file now. */
  spooled(batches: readonly Waiting[], file: Waiting): void {
    for (const batch of batches) this.#leave('queue', batch);
    this.#arrive('spool', file);
  }

  /** Which traces the refused spans belong to is not said: the batch's traces count unless nothing was taken. */
  exported(from: Place, waiting: Waiting, rejectedSpans: number): void {
    const rejected = Math.max(0, Math.min(rejectedSpans, waiting.spans));
    this.#leave(from, waiting);
    this.exportedSpans += waiting.spans - rejected;
    if (rejected < waiting.spans) this.exportedTraces += waiting.traces;
    this.droppedSpans.rejected += rejected;
  }

  dropped(from: Place, waiting: Waiting, reason: ExportDropReason): void {
    this.#leave(from, waiting);
    this.droppedSpans[reason] += waiting.spans;
  }

  #arrive(place: Place, { spans, size }: Waiting): void {
    if (place === 'queue') {
      this.queuedSpans += spans;
      this.queuedBytes += size;
    } else {
      this.spooledSpans += spans;
      this.spooledBytes += size;
    }
  }

  #leave(place: Place, { spans, traces, size }: Waiting): void {
    this.#arrive(place, { spans: -spans, traces, size: -size });
  }
}
