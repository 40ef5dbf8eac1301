/**
 * Every span, attribute, metric and log event this program can emit, declared once. docs/telemetry.md is generated from
 * it (catalogue-document.ts); the recorder, the metrics and the log accept nothing that does not stand here.
 */
export { ATTRIBUTES, type AttributeDefinition, type AttributeType, type Cardinality } from './catalogue/attributes.ts';
export { LOG_EVENTS, type LogEventDefinition, type LogLevel } from './catalogue/log-events.ts';
export { type LabelDefinition, METRICS, type MetricDefinition, type MetricKind } from './catalogue/metrics.ts';
export { ROLES, type Role, SPANS, type SpanDefinition, type SpanKind } from './catalogue/spans.ts';
