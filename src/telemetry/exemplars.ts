import { bucketCell, type HistogramId } from './metrics.ts';

/** A span that fell into a bucket, and whose trace can be looked up where it was exported to. */
export interface Exemplar {
  /** In the histogram's unit. */
  readonly value: number;
  /** 32 and 16 lower-case hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The newest exemplar of each bucket. To be offered only what the collector has taken: else its link leads nowhere. */
export class Exemplars {
  readonly #byCell = new Map<number, Exemplar>();

  offer(histogram: HistogramId, value: number, traceId: string, spanId: string, at: number): void {
    const cell = bucketCell(histogram, value);
    const known = this.#byCell.get(cell);
    if (known === undefined || known.at <= at) this.#byCell.set(cell, { value, traceId, spanId, at });
  }

  /** @param cell of a bucket */
  ofBucket(cell: number): Exemplar | undefined {
    return this.#byCell.get(cell);
  }
}
