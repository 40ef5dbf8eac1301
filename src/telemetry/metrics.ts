import { assert } from '../base/errors.ts';
import { METRICS, type MetricDefinition } from './catalogue.ts';
import { HistogramBuckets } from './histogram-buckets.ts';

/** Cell of a counter in every `Metrics`; fixed by the catalogue, so it is looked up when a module loads. */
export type CounterId = number;
/** First cell of a histogram: one for each bucket, one for what lies beyond the last, one for the sum. */
export type HistogramId = number;

/** What a gauge's callback gives at a scrape: one value, or one for each value of its label. */
export type GaugeReading = number | Iterable<readonly [labelValue: string, value: number]>;

/** Where the numbers are read: here, or off a copy. */
export interface MetricReadings {
  /** Raw cell, for rendering: see HistogramId for what follows a histogram's first. */
  cell(index: number): number;
  readGauge(definition: MetricDefinition): GaugeReading | undefined;
}

/** A label value of a metric (null where it has no label) and where its cells begin. */
export interface Series {
  readonly labelValue: string | null;
  readonly cell: number;
}

const seriesByMetric: (readonly Series[])[] = [];
const bucketsByCell: HistogramBuckets[] = [];
let cellCount = 0;

for (const definition of Object.values<MetricDefinition>(METRICS)) {
  const labelValues = definition.label === null ? [null] : (definition.label.values ?? []);
  const cellsEach = definition.kind === 'histogram' ? definition.bounds.length + 2 : 1;
  const series = definition.kind === 'gauge' ? [] : labelValues.map((labelValue) => allocate(labelValue, cellsEach));
  const buckets = new HistogramBuckets(definition.bounds);
  for (const { cell } of series) bucketsByCell[cell] = buckets;
  seriesByMetric[definition.id] = series;
}

function allocate(labelValue: string | null, cells: number): Series {
  const cell = cellCount;
  cellCount += cells;
  return { labelValue, cell };
}

export function seriesOf(definition: MetricDefinition): readonly Series[] {
  return seriesByMetric[definition.id]!;
}

type LabelArgument<Value extends string> = [Value] extends [never] ? [] : [labelValue: Value];

export function counterId<Value extends string>(
  definition: MetricDefinition<'counter', Value>,
  ...label: LabelArgument<Value>
): CounterId {
  return cellOf(definition, label[0] ?? null);
}

export function histogramId<Value extends string>(
  definition: MetricDefinition<'histogram', Value>,
  ...label: LabelArgument<Value>
): HistogramId {
  return cellOf(definition, label[0] ?? null);
}

function cellOf(definition: MetricDefinition, labelValue: string | null): number {
  const found = seriesOf(definition).find((series) => series.labelValue === labelValue);
  assert(found !== undefined, `${definition.name} has the declared label value ${labelValue}`);
  return found.cell;
}

/** Cell of the bucket that the value falls into. */
export function bucketCell(histogram: HistogramId, value: number): number {
  return histogram + bucketsByCell[histogram]!.indexOf(value);
}

/** The numbers of one process: additions to preallocated cells on the hot path, callbacks for what can be read off. */
export class Metrics implements MetricReadings {
  readonly #cells = new Float64Array(cellCount);
  readonly #gauges = new Map<number, () => GaugeReading>();
  readonly #counted = new Map<CounterId, () => number>();

  add(counter: CounterId, amount = 1): void {
    this.#cells[counter]! += amount;
  }

  /** Adds `count` observations of the same value, in the histogram's unit. Below zero, by a clock set back, counts as zero. */
  observe(histogram: HistogramId, value: number, count = 1): void {
    const cells = this.#cells;
    const buckets = bucketsByCell[histogram]!;
    const observed = Math.max(value, 0);
    cells[histogram + buckets.indexOf(observed)]! += count;
    cells[histogram + buckets.bounds.length + 1]! += observed * count;
  }

  /** Declares where a gauge is read at each scrape. One source for each gauge. */
  gauge(definition: MetricDefinition<'gauge'>, read: () => GaugeReading): void {
    assert(!this.#gauges.has(definition.id), `${definition.name} has one source`);
    this.#gauges.set(definition.id, read);
  }

  /** Declares that a counter is counted elsewhere, and read there. What is read must only grow. */
  counted(counter: CounterId, read: () => number): void {
    assert(!this.#counted.has(counter), 'a counter has one source');
    this.#counted.set(counter, read);
  }

  /** Current value of a counter, for tests and for whoever decides by it. */
  value(counter: CounterId): number {
    return this.cell(counter);
  }

  readGauge(definition: MetricDefinition): GaugeReading | undefined {
    return this.#gauges.get(definition.id)?.();
  }

  cell(index: number): number {
    return this.#counted.get(index)?.() ?? this.#cells[index]!;
  }

  /** All cells as they are now. */
  copyCells(): Float64Array {
    const cells = this.#cells.slice();
    for (const [cell, read] of this.#counted) cells[cell] = read();
    return cells;
  }
}
