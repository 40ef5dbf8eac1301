import { EXPORT_DROP_REASONS, type ExportLedger } from '../export/export-ledger.ts';
import { KEEP_REASONS } from '../sampling/keep-reason.ts';

const NAMED = [
  'read',
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
const INDEX = Object.fromEntries(NAMED.map((name, index) => [name, index])) as Record<Name, number>;
/** Word 0 holds the version: odd while the rest is written. */
const FIGURES_AT = 1;
const DROPPED_AT = NAMED.length;
const PUBLISHED = DROPPED_AT + EXPORT_DROP_REASONS.length;
const KEPT_AT = FIGURES_AT + PUBLISHED;
const NOT_KEPT_AT = KEPT_AT + KEEP_REASONS.length;
const COUNT = NOT_KEPT_AT + KEEP_REASONS.length;
/** The writer is between two stores for microseconds only. */
const MAX_ATTEMPTS = 10_000;

interface FiguresWriter {
  readonly set: (name: Name, value: number) => void;
  readonly writeLedger: (ledger: ExportLedger) => void;
}

/**
 * What the exporter's thread counts, in memory that the broker's thread reads at a scrape. Written by one thread alone, and
 * all at once: what a reader sees belongs together, so that accounts can be checked to the span.
 */
export class SharedFigures {
  readonly #version: Int32Array;
  readonly #values: Float64Array;
  /** What was read last, and what is being read. */
  #seen = new Float64Array(PUBLISHED);
  #reading = new Float64Array(PUBLISHED);
  #isSeen = false;

  constructor(memory: SharedArrayBuffer) {
    this.#version = new Int32Array(memory, 0, 1);
    this.#values = new Float64Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(COUNT * Float64Array.BYTES_PER_ELEMENT);
  }

  get(name: Name): number {
    this.#look();
    return this.#seen[INDEX[name]]!;
  }

  dropped(index: number): number {
    this.#look();
    return this.#seen[DROPPED_AT + index]!;
  }

  /** By index in KEEP_REASONS, for KeepCounts: written in place. */
  get kept(): Float64Array {
    return this.#values.subarray(KEPT_AT, NOT_KEPT_AT);
  }

  get notKept(): Float64Array {
    return this.#values.subarray(NOT_KEPT_AT, COUNT);
  }

  /** `write` sets figures; readers see all of them or none. */
  publish(write: (figures: FiguresWriter) => void): void {
    Atomics.add(this.#version, 0, 1);
    write(this.#writer);
    Atomics.add(this.#version, 0, 1);
  }

  readonly #writer: FiguresWriter = {
    set: (name, value) => {
      this.#values[FIGURES_AT + INDEX[name]] = value;
    },
    writeLedger: (ledger) => {
      const { set } = this.#writer;
      set('exportedSpans', ledger.exportedSpans);
      set('exportedTraces', ledger.exportedTraces);
      set('restored', ledger.restoredSpans);
      set('requestsFailed', ledger.requestsFailed);
      set('queuedSpans', ledger.queuedSpans);
      set('queuedBytes', ledger.queuedBytes);
      set('spooledSpans', ledger.spooledSpans);
      set('spooledBytes', ledger.spooledBytes);
      set('corruptFiles', ledger.corruptFiles);
      EXPORT_DROP_REASONS.forEach((reason, index) => {
        this.#values[FIGURES_AT + DROPPED_AT + index] = ledger.droppedSpans[reason];
      });
    },
  };

  /** Once until the caller lets others run: a scrape asks for each figure by itself, and must find all of the same moment. */
  #look(): void {
    if (this.#isSeen) return;
    this.#isSeen = true;
    queueMicrotask(() => {
      this.#isSeen = false;
    });
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const version = Atomics.load(this.#version, 0);
      if ((version & 1) !== 0) continue;
      for (let index = 0; index < PUBLISHED; index += 1) this.#reading[index] = this.#values[FIGURES_AT + index]!;
      // A read-modify-write: the reads before it are done by then (see ring/ring-memory.ts).
      if (Atomics.add(this.#version, 0, 0) !== version) continue;
      [this.#seen, this.#reading] = [this.#reading, this.#seen];
      return;
    }
    // The writer's thread was put aside between two stores: what was seen before still belongs together.
  }
}
