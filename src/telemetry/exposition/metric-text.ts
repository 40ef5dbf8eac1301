import type { MetricDefinition } from '../catalogue.ts';
import type { Exemplars } from '../exemplars.ts';
import { type Metrics, type Series, seriesOf } from '../metrics.ts';
import type { ExpositionFormat } from './exposition-format.ts';
import { boundText, exemplarText, headText, numberText, sampleText } from './sample-text.ts';

/** The lines of a metric as they are now, each with its end. */
export type MetricText = () => string;

/** All that does not change of a metric's lines is written once: a scrape joins it with the numbers. */
export function metricText(
  definition: MetricDefinition,
  format: ExpositionFormat,
  metrics: Metrics,
  exemplars: Exemplars,
): MetricText {
  const head = headText(definition, format);
  switch (definition.kind) {
    case 'counter':
      return joined(head, seriesOf(definition), (series) => counterText(definition, series, metrics));
    case 'gauge':
      return () => head + gaugeText(definition, metrics);
    case 'histogram':
      return joined(head, seriesOf(definition), (series) =>
        histogramText(definition, series, format, metrics, exemplars),
      );
  }
}

function joined(head: string, all: readonly Series[], textOf: (series: Series) => MetricText): MetricText {
  const texts = all.map(textOf);
  return () => texts.reduce((lines, text) => lines + text(), head);
}

function counterText(definition: MetricDefinition, { labelValue, cell }: Series, metrics: Metrics): MetricText {
  const start = sampleText(definition.name, labelsOf(definition, labelValue));
  return () => `${start}${numberText(metrics.cell(cell))}\n`;
}

function gaugeText(definition: MetricDefinition, metrics: Metrics): string {
  const reading = metrics.readGauge(definition);
  if (reading === undefined) return '';
  const readings = typeof reading === 'number' ? ([[null, reading]] as const) : reading;
  let lines = '';
  for (const [labelValue, value] of readings)
    lines += `${sampleText(definition.name, labelsOf(definition, labelValue))}${numberText(value)}\n`;
  return lines;
}

function histogramText(
  definition: MetricDefinition,
  { labelValue, cell }: Series,
  format: ExpositionFormat,
  metrics: Metrics,
  exemplars: Exemplars,
): MetricText {
  const { name, bounds } = definition;
  const labels = labelsOf(definition, labelValue);
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound) =>
    sampleText(`${name}_bucket`, { le: boundText(bound, format), ...labels }),
  );
  const sum = sampleText(`${name}_sum`, labels);
  const count = sampleText(`${name}_count`, labels);
  return () => {
    let lines = '';
    let observed = 0;
    for (const [index, start] of buckets.entries()) {
      observed += metrics.cell(cell + index);
      const exemplar = format === 'openmetrics' ? exemplars.ofBucket(cell + index) : undefined;
      lines += `${start}${observed}${exemplar === undefined ? '' : exemplarText(exemplar)}\n`;
    }
    return `${lines}${sum}${numberText(metrics.cell(cell + buckets.length))}\n${count}${observed}\n`;
  };
}

function labelsOf({ label }: MetricDefinition, value: string | null): Readonly<Record<string, string>> {
  return label === null || value === null ? {} : { [label.name]: value };
}
