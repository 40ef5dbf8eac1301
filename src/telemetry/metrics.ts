import { assert } from '../base/errors.ts';
import { METRICS, type MetricDefinition } from './catalogue.ts';

/** Cell of a counter in every `Metrics`; fixed by the catalogue, so it is looked up when a module loads. */
export type CounterId = number;
/** First cell of a histogram: one for each bucket, one for what lies beyond the last, one for the sum. */
export type HistogramId = number;

/** What a gauge's callback gives at a scrape: one value, or one for each value of its label. */
export type GaugeReading = number | Iterable<readonly [labelValue: string, value: number]>;

/** A label value of a metric (null where it has no label) and where its cells begin. */
export interface Series {
  readonly labelValue: string | null;
  readonly cell: number;
}

const seriesByMetric: (readonly Series[])[] = [];
const boundsByCell: (readonly number[])[] = [];
let cellCount = 0;

for (const definition of Object.values<MetricDefinition>(METRICS)) {
  const labelValues = definition.label === null ? [null] : (definition.label.values ?? []);
  const cellsEach = definition.kind === 'histogram' ? definition.bounds.length + 2 : 1;
  const series = definition.kind === 'gauge' ? [] : labelValues.map((labelValue) => allocate(labelValue, cellsEach));
  for (const { cell } of series) boundsByCell[cell] = definition.bounds;
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

/** The numbers of one process: additions to preallocated cells on the hot path, callbacks for what can be read off. */
export class Metrics {
  readonly #cells = new Float64Array(cellCount);
  readonly #gauges = new Map<number, () => GaugeReading>();
  readonly #counted = new Map<CounterId, () => number>();

  add(counter: CounterId, amount = 1): void {
    this.#cells[counter]! += amount;
  }

  /** Adds `count` observations of the same value, in the histogram's unit. */
  observe(histogram: HistogramId, value: number, count = 1): void {
    const cells = this.#cells;
    const bounds = boundsByCell[histogram]!;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1;
    cells[histogram + bucket]! += count;
    cells[histogram + bounds.length + 1]! += value * count;
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

  /** Raw cell, for rendering: see HistogramId for what follows a histogram's first. */
  cell(index: number): number {
    return this.#counted.get(index)?.() ?? this.#cells[index]!;
  }
}
