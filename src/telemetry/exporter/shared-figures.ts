import { EXPORT_DROP_REASONS, type ExportLedger } from '../export/export-ledger.ts';
import { KEEP_REASONS } from '../sampling/keep-reason.ts';

const NAMED = [
  'overwritten',
  'unsampled',
  'undecided',
  'exportedSpans',
  'exportedTraces',
  'restored',
  'requestsFailed',
  'queuedSpans',
  'queuedBytes',
  'spooledSpans',
  'spooledBytes',
  'corruptFiles',
] as const;
type Name = (typeof NAMED)[number];
const DROPPED_AT = NAMED.length;
const KEPT_AT = DROPPED_AT + EXPORT_DROP_REASONS.length;
const NOT_KEPT_AT = KEPT_AT + KEEP_REASONS.length;
const COUNT = NOT_KEPT_AT + KEEP_REASONS.length;

/**
 * What the exporter's thread counts, in memory that the broker's thread reads at a scrape. Written by one thread alone; a
 * reader may see some figures a moment older than others.
 */
export class SharedFigures {
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(COUNT * Float64Array.BYTES_PER_ELEMENT);
  }

  get(name: Name): number {
    return this.#values[NAMED.indexOf(name)]!;
  }

  set(name: Name, value: number): void {
    this.#values[NAMED.indexOf(name)] = value;
  }

  dropped(index: number): number {
    return this.#values[DROPPED_AT + index]!;
  }

  /** By index in KEEP_REASONS, for KeepCounts: written in place. */
  get kept(): Float64Array {
    return this.#values.subarray(KEPT_AT, NOT_KEPT_AT);
  }

  get notKept(): Float64Array {
    return this.#values.subarray(NOT_KEPT_AT, COUNT);
  }

  writeLedger(ledger: ExportLedger): void {
    this.set('exportedSpans', ledger.exportedSpans);
    this.set('exportedTraces', ledger.exportedTraces);
    this.set('restored', ledger.restoredSpans);
    this.set('requestsFailed', ledger.requestsFailed);
    this.set('queuedSpans', ledger.queuedSpans);
    this.set('queuedBytes', ledger.queuedBytes);
    this.set('spooledSpans', ledger.spooledSpans);
    this.set('spooledBytes', ledger.spooledBytes);
    this.set('corruptFiles', ledger.corruptFiles);
    EXPORT_DROP_REASONS.forEach((reason, index) => {
      this.#values[DROPPED_AT + index] = ledger.droppedSpans[reason];
    });
  }
}
