import type { Numbered } from './numbered.ts';

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface LabelDefinition<Value extends string = string> {
  readonly name: string;
  /** Every value there can be. Only a gauge may leave them to configuration (`null`), never to clients. */
  readonly values: readonly Value[] | null;
}

export interface MetricEntry<Kind extends MetricKind = MetricKind, Value extends string = string> {
  readonly name: string;
  readonly kind: Kind;
  readonly unit: string;
  readonly description: string;
  readonly label: LabelDefinition<Value> | null;
  /**
   * Upper bounds, ascending, in the metric's unit; empty unless a histogram. No two from one power of two to the next: see
   * histogram-buckets.ts.
   */
  readonly bounds: readonly number[];
}
export type MetricDefinition<Kind extends MetricKind = MetricKind, Value extends string = string> = Numbered<
  MetricEntry<Kind, Value>
>;

export function counter<Value extends string = never>(
  name: string,
  unit: string,
  description: string,
  label: LabelDefinition<Value> | null = null,
): MetricEntry<'counter', Value> {
  return { name, kind: 'counter', unit, description, label, bounds: [] };
}

export function gauge(
  name: string,
  unit: string,
  description: string,
  label: LabelDefinition | null = null,
): MetricEntry<'gauge'> {
  return { name, kind: 'gauge', unit, description, label, bounds: [] };
}

export function histogram<Value extends string = never>(
  name: string,
  unit: string,
  bounds: readonly number[],
  description: string,
  label: LabelDefinition<Value> | null = null,
): MetricEntry<'histogram', Value> {
  return { name, kind: 'histogram', unit, description, label, bounds };
}

export function label<const Value extends string>(name: string, values: readonly Value[]): LabelDefinition<Value> {
  return { name, values };
}

/** From 10 µs, a stage of a message in memory, to the 10 s after which a client has given up; 1 s is the alert's line. */
export const LATENCY_BOUNDS_S = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
  1, 2.5, 5, 10,
];
