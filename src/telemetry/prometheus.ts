import { METRICS, type MetricDefinition } from './catalogue.ts';
import { Exemplars } from './exemplars.ts';
import { CONTENT_TYPES, type ExpositionFormat, formatFor } from './exposition/exposition-format.ts';
import { type MetricText, metricText } from './exposition/metric-text.ts';
import type { Metrics } from './metrics.ts';
import { ProcessFigures } from './process-figures.ts';

export interface ExpositionAnswer {
  readonly contentType: string;
  readonly body: string;
}

/** The metrics as text for scrapers, with those of the process and of Node.js. */
export class PrometheusExposition {
  /** Shown beside the buckets, in OpenMetrics alone: Prometheus text has no room for them. */
  readonly exemplars = new Exemplars();
  readonly #metrics: Metrics;
  readonly #process: ProcessFigures;
  readonly #texts = new Map<ExpositionFormat, readonly MetricText[]>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#process = new ProcessFigures(metrics);
  }

  /** @param accept the header of the scraper's request */
  answer(accept: string | undefined): ExpositionAnswer {
    const format = formatFor(accept);
    return { contentType: CONTENT_TYPES[format], body: this.text(format) };
  }

  text(format: ExpositionFormat = 'prometheus'): string {
    const lines = this.#textsIn(format)
      .map((text) => text())
      .join('');
    return format === 'openmetrics' ? `${lines}# EOF\n` : lines;
  }

  /** Stops to watch the process. */
  close(): void {
    this.#process.close();
  }

  #textsIn(format: ExpositionFormat): readonly MetricText[] {
    let texts = this.#texts.get(format);
    if (texts === undefined) {
      texts = Object.values<MetricDefinition>(METRICS).map((definition) =>
        metricText(definition, format, this.#metrics, this.exemplars),
      );
      this.#texts.set(format, texts);
    }
    return texts;
  }
}
