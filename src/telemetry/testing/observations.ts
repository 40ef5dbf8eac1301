import { METRICS, type MetricDefinition } from '../catalogue.ts';
import { type HistogramId, type Metrics, seriesOf } from '../metrics.ts';

/** How many observations a series of a histogram has had, or those of them that are larger than one of its bounds. */
export function observationsOf(
  metrics: Metrics,
  histogram: HistogramId,
  largerThan = Number.NEGATIVE_INFINITY,
): number {
  const { bounds } = definitionOf(histogram);
  const first = bounds.filter((bound) => bound <= largerThan).length;
  let count = 0;
  for (let bucket = first; bucket <= bounds.length; bucket += 1) count += metrics.cell(histogram + bucket);
  return count;
}

function definitionOf(histogram: HistogramId): MetricDefinition {
  const found = Object.values<MetricDefinition>(METRICS).find((definition) =>
    seriesOf(definition).some(({ cell }) => cell === histogram),
  );
  if (found === undefined) throw new Error(`no histogram begins at cell ${histogram}`);
  return found;
}
