import { METRICS } from '../catalogue.ts';
import type { ExportLedger } from '../export/export-ledger.ts';
import type { Signal } from '../export/otlp-target.ts';
import { counterId, type Metrics } from '../metrics.ts';

/** What leaves by OTLP beside traces. */
export type BesideSignal = Exclude<Signal, 'traces'>;

const SIGNALS: readonly BesideSignal[] = ['metrics', 'logs'];
/** There is no spool for them. */
const SIGNAL_DROP_REASONS = ['queue_full', 'rejected', 'shutdown'] as const;
export type SignalDropReason = (typeof SIGNAL_DROP_REASONS)[number];
const NAMED = ['taken', 'exported', 'requestsFailed', ...SIGNAL_DROP_REASONS] as const;
type Name = (typeof NAMED)[number];

/** What the exporter's thread counts of metrics and logs; written by it alone, read by the broker's thread. */
export class SignalFigures {
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(SIGNALS.length * NAMED.length * Float64Array.BYTES_PER_ELEMENT);
  }

  /** `taken`: data points or log records that the thread has been handed. */
  get(signal: BesideSignal, name: Name): number {
    return this.#values[at(signal, name)]!;
  }

  addTaken(signal: BesideSignal, count: number): void {
    this.#values[at(signal, 'taken')]! += count;
  }

  writeLedger(signal: BesideSignal, { exportedSpans, requestsFailed, droppedSpans }: ExportLedger): void {
    this.#values[at(signal, 'exported')] = exportedSpans;
    this.#values[at(signal, 'requestsFailed')] = requestsFailed;
    for (const reason of SIGNAL_DROP_REASONS) this.#values[at(signal, reason)] = droppedSpans[reason];
  }

  /** Of both signals. */
  get requestsFailed(): number {
    return SIGNALS.reduce((sum, signal) => sum + this.get(signal, 'requestsFailed'), 0);
  }
}

const at = (signal: BesideSignal, name: Name): number => SIGNALS.indexOf(signal) * NAMED.length + NAMED.indexOf(name);

/** @param droppedLines log records that did not get as far as the thread */
export function declareSignalFigures(
  metrics: Metrics,
  figures: SignalFigures,
  droppedLines: (reason: SignalDropReason) => number,
): void {
  metrics.counted(counterId(METRICS.metricPointsExportedTotal), () => figures.get('metrics', 'exported'));
  metrics.counted(counterId(METRICS.logRecordsExportedTotal), () => figures.get('logs', 'exported'));
  for (const reason of SIGNAL_DROP_REASONS) {
    metrics.counted(counterId(METRICS.metricPointsDroppedTotal, reason), () => figures.get('metrics', reason));
    metrics.counted(
      counterId(METRICS.logRecordsDroppedTotal, reason),
      () => figures.get('logs', reason) + droppedLines(reason),
    );
  }
}
