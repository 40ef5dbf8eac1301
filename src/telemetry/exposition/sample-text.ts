import type { MetricDefinition } from '../catalogue.ts';
import type { Exemplar } from '../exemplars.ts';
import type { ExpositionFormat } from './exposition-format.ts';

/** Units that a name can end in, by their UCUM code. */
const UNIT_NAMES: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' };

/** From here on down, and from here on up, bounds are written with an exponent, as Go does. */
const SMALLEST_PLAIN = 1e-4;
const LARGEST_PLAIN = 1e6;

type Labels = Readonly<Record<string, string>>;

/** What comes before the samples of a metric; OpenMetrics 1.0.0, section "MetricFamily", says the grammar. */
export function headText({ name, kind, unit, description }: MetricDefinition, format: ExpositionFormat): string {
  const family = format === 'openmetrics' ? familyName(name) : name;
  const lines = [`# HELP ${family} ${helpText(description, format)}`, `# TYPE ${family} ${kind}`];
  const unitName = UNIT_NAMES[unit];
  // A unit is declared only where the name ends in it: bytes_received_total does not.
  if (format === 'openmetrics' && unitName !== undefined && family.endsWith(`_${unitName}`))
    lines.push(`# UNIT ${family} ${unitName}`);
  return `${lines.join('\n')}\n`;
}

/** In OpenMetrics `_total` belongs to a counter's sample, not to its name. */
export function familyName(name: string): string {
  return name.replace(/_total$/, '');
}

/** A line up to its value. */
export function sampleText(name: string, labels: Labels): string {
  return `${name}${labelText(labels)} `;
}

/** ` # {…} value timestamp`, behind the value of a bucket. */
export function exemplarText({ traceId, spanId, value, at }: Exemplar): string {
  return ` # ${labelText({ trace_id: traceId, span_id: spanId })} ${numberText(value)} ${(at / 1000).toFixed(3)}`;
}

/** In OpenMetrics 1.0, as its canonical numbers are written; in Prometheus text 1, as it always was there. */
export function boundText(bound: number, format: ExpositionFormat): string {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf';
  if (bound < SMALLEST_PLAIN || bound >= LARGEST_PLAIN) return bound.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function helpText(description: string, format: ExpositionFormat): string {
  const escaped = description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${labelValueText(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function labelValueText(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
