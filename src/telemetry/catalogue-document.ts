import { ATTRIBUTES, LOG_EVENTS, type LogEventDefinition, METRICS, type MetricDefinition, SPANS } from './catalogue.ts';

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
    'The service is what `service.name` ends in; its prefix is `telemetry.resource.service_name`. A span that failed has status',
    'ERROR, `error.type`, `error.message` and, where something was thrown, an `exception` event.',
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
    '## Metrics',
    'At `GET /metrics` of the admin server, with those of the process and of Node.js. No client id or topic is ever a label.',
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
    '## Log events',
    'Each line has `time`, `level`, `event`, `message` and, where it belongs to a trace, `trace_id` and `span_id`.',
    'Of events that clients can bring about there are so many lines a second at most; `leftOut` of the next says how many are',
    'missing.',
    table(
      ['Event', 'Level', 'Lines a second', 'Message'],
      Object.values<LogEventDefinition>(LOG_EVENTS).map(({ name, level, message, perSecond }) => [
        code(name),
        level,
        perSecond === undefined ? '' : String(perSecond),
        message,
      ]),
    ),
  ].join('\n\n')}\n`;
}

function labelText({ label }: MetricDefinition): string {
  if (label === null) return '';
  return `${code(label.name)}: ${label.values === null ? 'as configured' : label.values.map(code).join(', ')}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
