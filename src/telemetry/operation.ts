import { ATTRIBUTES, METRICS } from './catalogue.ts';
import { type CounterId, counterId, type HistogramId, histogramId, type Metrics } from './metrics.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from './recorder.ts';

type LabelValue<Definition> = Definition extends {
  readonly label: { readonly values: readonly (infer Value)[] | null } | null;
}
  ? Value & string
  : never;

/** Label `operation`: what a client, or the broker towards a client, asks for. */
export type Operation = LabelValue<typeof METRICS.requestsTotal>;

/** The cells of one operation, looked up once when a module loads. */
export interface OperationMetrics {
  readonly requests: CounterId;
  readonly errors: CounterId;
  readonly duration: HistogramId;
}

export function operationMetrics(operation: Operation): OperationMetrics {
  return {
    requests: counterId(METRICS.requestsTotal, operation),
    errors: counterId(METRICS.requestErrorsTotal, operation),
    duration: histogramId(METRICS.requestDurationSeconds, operation),
  };
}

/**
 * Joins metrics and trace: counts the operation, its error and its latency, and says the same on its span (0 where it
 * has none). Times in Unix milliseconds. The span is not ended.
 */
export function recordOperation(
  metrics: Metrics,
  recorder: Recorder,
  operation: OperationMetrics,
  span: SpanHandle,
  startedAt: number,
  endedAt: number,
  succeeded: boolean,
): void {
  const latencyMs = endedAt - startedAt;
  metrics.add(operation.requests);
  if (!succeeded) metrics.add(operation.errors);
  metrics.observe(operation.duration, latencyMs / 1000);
  if (span === NO_SPAN) return;
  recorder.attribute(span, ATTRIBUTES.performanceLatencyMs, latencyMs);
  recorder.attribute(span, ATTRIBUTES.performanceSuccess, succeeded);
}
