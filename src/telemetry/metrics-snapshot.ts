import { METRICS, type MetricDefinition } from './catalogue.ts';
import type { MetricReadings, Metrics } from './metrics.ts';

type GaugeValues = number | readonly (readonly [labelValue: string, value: number])[];

/** What a scrape would show at a moment, as plain data that can be sent to another thread. */
export interface MetricsSnapshot {
  /** Unix milliseconds. */
  readonly at: number;
  readonly cells: Float64Array;
  /** By the metric's number; of those that somebody reads. */
  readonly gauges: ReadonlyMap<number, GaugeValues>;
}

export function takeSnapshot(metrics: Metrics, at: number): MetricsSnapshot {
  const gauges = new Map<number, GaugeValues>();
  for (const definition of Object.values<MetricDefinition>(METRICS)) {
    if (definition.kind !== 'gauge') continue;
    const reading = metrics.readGauge(definition);
    if (reading !== undefined) gauges.set(definition.id, typeof reading === 'number' ? reading : [...reading]);
  }
  return { at, cells: metrics.copyCells(), gauges };
}

export function readingsOf({ cells, gauges }: MetricsSnapshot): MetricReadings {
  return { cell: (index) => cells[index]!, readGauge: ({ id }) => gauges.get(id) };
}
