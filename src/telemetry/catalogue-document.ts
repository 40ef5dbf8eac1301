import {
  ATTRIBUTES,
  LOG_EVENTS,
  type LogEventDefinition,
  METRICS,
  type MetricDefinition,
  SPANS,
  type SpanDefinition,
  STAGE_MEANINGS,
} from './catalogue.ts';

/** How the spans stand to OpenTelemetry's semantic conventions: the decisions of docs/adr/0025. */
const CONVENTIONS = [
  paragraph(
    'Beside the names of their own, spans have those of OpenTelemetry’s semantic conventions (1.45). These describe clients of',
    'a broker and not the broker: a SERVER span is its client’s request seen from the other side, so `mqtt/publish` has',
    '`messaging.operation.type = send` like the span of the client that published. `client/push` sends on; an acknowledgement',
    'settles. `client/push` is a PRODUCER because its context is what the message carries on as `traceparent`. CONNECT,',
    'SUBSCRIBE, PINGREQ and their like are no operations of the conventions and have `messaging.operation.name` alone. RocksDB’s',
    'spans have `db.*`. Broker, placement and journal call each other in one process: that is no RPC, and no span has `rpc.*`.',
  ),
  paragraph(
    'User names, payloads and user properties are in no span unless `[telemetry.attributes]` says so, in no log line and in no',
    'metric at all; passwords and tokens are nowhere. `hash` is HMAC-SHA-256 under `hash_key`. Payloads and user properties are',
    'not even recorded unless they are told. User names are: rules for sampling ask for them, in memory.',
  ),
];

/** docs/telemetry.md: everything this program emits, from the catalogue. */
export function renderTelemetryDocument(): string {
  return `${[
    '# Telemetry',
    'Generated from `src/telemetry/catalogue.ts` by `npm run generate`; change it there.',
    '## Spans',
    table(
      ['Span', 'Kind', 'Service', 'Meaning'],
      Object.values(SPANS).map(({ name, kind, role, description }) => [code(name), kind, role, description]),
    ),
    paragraph(
      'The service is what `service.name` ends in; its prefix is `telemetry.resource.service_name`. A span that failed has',
      'status ERROR, `error.type`, `error.message` and, where something was thrown, an `exception` event.',
    ),
    ...CONVENTIONS,
    ...Object.values(SPANS).map(spanSection),
    '## Attributes',
    'Cardinality: *low*, a few values fixed in the code; *medium*, as many as configuration or nodes; *high*, grows with use.',
    table(
      ['Attribute', 'Type', 'Unit', 'Cardinality', 'Meaning'],
      Object.values(ATTRIBUTES).map((attribute) => [
        code(attribute.key),
        attribute.type,
        attribute.unit,
        attribute.cardinality,
        attribute.description,
      ]),
    ),
    ...metricsSection(),
    ...logSection(),
  ].join('\n\n')}\n`;
}

function metricsSection(): string[] {
  return [
    '## Metrics',
    paragraph(
      'At `GET /metrics` of the admin server: as Prometheus text, or as OpenMetrics for a scraper whose `Accept` names',
      '`application/openmetrics-text`. There, histogram buckets have exemplars: `trace_id` and `span_id` of a span that the',
      'collector took. No client id or topic is ever a label.',
    ),
    paragraph(
      'With `telemetry.metrics_exporter = "otlp"` they leave by OTLP too, every `telemetry.metrics_interval_ms` and once more at',
      'shutdown: the same names and values, cumulative since the start, without exemplars. `service.name` is that of the broker',
      'for all of them. Deltas are not to be had: the Collector’s `cumulativetodelta` processor makes them.',
    ),
    paragraph(
      'Spans are accounted for exactly: `robustmq_spans_started_total` + `robustmq_spans_restored_total` =',
      '`robustmq_spans_exported_total` + `robustmq_spans_unsampled_total` + `robustmq_spans_dropped_total` +',
      '`robustmq_open_spans` + `robustmq_spans_undecided` + `robustmq_export_queue_spans` + `robustmq_export_spool_spans`.',
      'After a shutdown all but the last of these gauges are zero.',
    ),
    paragraph(
      'What the collector received only the collector can count. `robustmq_traces_received_total` comes from there: its',
      '`count` connector counts the spans that have `robustmq.sampling.reason`, one of each trace. It is to be compared with',
      '`robustmq_traces_exported_total`, or `otelcol_receiver_accepted_spans_total` with `robustmq_spans_exported_total`;',
      'with a sampling rate below 1 neither has anything to do with `robustmq_requests_total`.',
    ),
    table(
      ['Metric', 'Kind', 'Unit', 'Label', 'Meaning'],
      Object.values<MetricDefinition>(METRICS).map((metric) => [
        code(metric.name),
        metric.kind,
        metric.unit,
        labelText(metric),
        metric.description,
      ]),
    ),
    'The stages of `robustmq_stage_duration_seconds`; the first four are timed only while spans are recorded:',
    table(
      ['Stage', 'Meaning'],
      Object.entries(STAGE_MEANINGS).map(([stage, meaning]) => [code(stage), meaning]),
    ),
  ];
}

function logSection(): string[] {
  return [
    '## Log events',
    paragraph(
      'Each line has `time`, `level`, `event`, `message` and, where it belongs to a trace, `trace_id`, `span_id` and',
      '`trace_flags` (`01` where the head chose the trace). Of events that clients can bring about there are so many lines a',
      'second at most; `leftOut` of the next says how many are missing.',
    ),
    paragraph(
      'With `telemetry.logs_exporter = "otlp"` the lines leave by OTLP too: `message` is the body, `event` the event name, and the',
      'other fields attributes; an `error` becomes `exception.type`, `exception.message` and `exception.stacktrace`. Standard',
      'error has lines that the collector has not: those about the export of the log itself, and `process.stopped`.',
    ),
    table(
      ['Event', 'Level', 'Lines a second', 'Message'],
      Object.values<LogEventDefinition>(LOG_EVENTS).map(({ name, level, message, perSecond }) => [
        code(name),
        level,
        perSecond === undefined ? '' : String(perSecond),
        message,
      ]),
    ),
  ];
}

/** Where a span belongs and what it carries. */
function spanSection({ name, kind, role, parents, begins, attributes, constants, id }: SpanDefinition): string {
  const title = id === SPANS.clientPushRest.id ? `${code(name)}, for the rest of a fan-out` : code(name);
  const below = parents.length === 0 ? [] : [`below ${parents.map(code).join(', ')}`];
  const place = [...below, ...(begins ? ['may be the first span of a trace here'] : [])];
  const told = [
    ...constants.map(([{ key, type }, value]) => [code(key), type, '', `always ${code(value)}`]),
    ...attributes.map(({ attribute: { key, type, unit }, when }) => [code(key), type, unit, when || 'always']),
  ];
  return [
    `### ${title}`,
    `Kind ${kind}, service ${role}; ${place.join('; ')}.`,
    told.length === 0 ? 'It has no attributes.' : table(['Attribute', 'Type', 'Unit', 'When'], told),
  ].join('\n\n');
}

function labelText({ label }: MetricDefinition): string {
  if (label === null) return '';
  return `${code(label.name)}: ${label.values === null ? 'as configured' : label.values.map(code).join(', ')}`;
}

function paragraph(...lines: readonly string[]): string {
  return lines.join('\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
