/**
 * Every span, attribute, metric and log event this program can emit, declared once. docs/telemetry.md is generated from
 * it (catalogue-document.ts); the recorder, the metrics and the log accept nothing that does not stand here.
 */
export { ATTRIBUTES, type AttributeDefinition, type AttributeType, type Cardinality } from './catalogue/attributes.ts';
export { LOG_EVENTS, type LogEventDefinition, type LogLevel } from './catalogue/log-events.ts';
export type { LabelDefinition, MetricDefinition, MetricKind } from './catalogue/metric-definition.ts';
export { METRICS } from './catalogue/metrics.ts';
export {
  CONVENTIONAL_NAMES,
  ROLES,
  type Role,
  type SpanDefinition,
  type SpanKind,
} from './catalogue/span-definition.ts';
export { SPANS } from './catalogue/spans.ts';
export { STAGE_MEANINGS, type Stage } from './catalogue/stages.ts';
