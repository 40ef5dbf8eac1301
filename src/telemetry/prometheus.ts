import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { METRICS, type MetricDefinition } from './catalogue.ts';
import { type Metrics, type Series, seriesOf } from './metrics.ts';

/** What prom-client's registry formats as one line; `metricName` where it differs from the metric's own. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The metrics as Prometheus text, with those of the process and of Node.js. */
export class PrometheusExposition {
  readonly #registry = new Registry();

  constructor(metrics: Metrics) {
    for (const definition of Object.values<MetricDefinition>(METRICS)) {
      // The registry needs of a metric only what CatalogueMetric has; its type wants one of prom-client's classes.
      this.#registry.registerMetric(new CatalogueMetric(definition, metrics) as unknown as Metric<string>);
    }
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** One metric of the catalogue, read from its cells when the registry asks. */
class CatalogueMetric {
  readonly name: string;
  readonly #definition: MetricDefinition;
  readonly #metrics: Metrics;

  constructor(definition: MetricDefinition, metrics: Metrics) {
    this.name = definition.name;
    this.#definition = definition;
    this.#metrics = metrics;
  }

  async get() {
    const { name, description, kind } = this.#definition;
    return { name, help: description, type: kind, aggregator: 'sum', values: this.#samples() };
  }

  #samples(): Sample[] {
    const definition = this.#definition;
    switch (definition.kind) {
      case 'counter':
        return seriesOf(definition).map((series) => ({
          labels: this.#labels(series.labelValue),
          value: this.#metrics.cell(series.cell),
        }));
      case 'gauge':
        return this.#gaugeSamples();
      case 'histogram':
        return seriesOf(definition).flatMap((series) => this.#histogramSamples(series));
    }
  }

  #gaugeSamples(): Sample[] {
    const reading = this.#metrics.readGauge(this.#definition);
    if (reading === undefined) return [];
    if (typeof reading === 'number') return [{ labels: {}, value: reading }];
    return Array.from(reading, ([labelValue, value]) => ({ labels: this.#labels(labelValue), value }));
  }

  #histogramSamples({ labelValue, cell }: Series): Sample[] {
    const { name, bounds } = this.#definition;
    const labels = this.#labels(labelValue);
    const samples: Sample[] = [];
    let count = 0;
    for (let bucket = 0; bucket <= bounds.length; bucket += 1) {
      count += this.#metrics.cell(cell + bucket);
      samples.push({ metricName: `${name}_bucket`, labels: { le: bounds[bucket] ?? '+Inf', ...labels }, value: count });
    }
    const sum = this.#metrics.cell(cell + bounds.length + 1);
    samples.push({ metricName: `${name}_sum`, labels, value: sum });
    samples.push({ metricName: `${name}_count`, labels, value: count });
    return samples;
  }

  #labels(value: string | null): Record<string, string> {
    const { label } = this.#definition;
    return label === null || value === null ? {} : { [label.name]: value };
  }
}
