import type { Problem } from './config-error.ts';
import { type Setting, settingFromText } from './setting.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface ExporterVariable {
  readonly name: string;
  readonly path: readonly string[];
  /** What a value means here; undefined: that is there in any case. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

const VARIABLES: readonly ExporterVariable[] = [
  {
    name: 'OTEL_TRACES_EXPORTER',
    path: ['telemetry', 'exporter_type'],
    values: { otlp: 'otlp', console: 'console', none: 'none' },
  },
  {
    name: 'OTEL_METRICS_EXPORTER',
    path: ['telemetry', 'metrics_exporter'],
    values: { otlp: 'otlp', none: 'none', prometheus: undefined },
  },
  { name: 'OTEL_LOGS_EXPORTER', path: ['telemetry', 'logs_exporter'], values: { otlp: 'otlp', none: 'none' } },
];
const INTERVAL = 'OTEL_METRIC_EXPORT_INTERVAL';

/** OTEL_(TRACES|METRICS|LOGS)_EXPORTER, lists with commas, and the interval of metrics ("Environment Variable Specification"). */
export function exportersFromOpenTelemetry(environment: Environment): { settings: Setting[]; problems: Problem[] } {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const { name, path, values } of VARIABLES) {
    const given = environment[name]?.trim();
    if (!given) continue;
    const value = exporterFrom(given, values);
    if (value !== undefined) settings.push({ path, value, source: name });
    else {
      const sentence = `${name} = ${JSON.stringify(given)}: must be one of ${Object.keys(values).join(', ')}`;
      problems.push({ key: path.join('.'), sentence });
    }
  }
  const interval = environment[INTERVAL]?.trim();
  if (interval) settings.push(settingFromText(['telemetry', 'metrics_interval_ms'], interval, INTERVAL));
  return { settings, problems };
}

/** Undefined if a name is not known, or if there are several that exclude each other. */
function exporterFrom(list: string, values: ExporterVariable['values']): string | undefined {
  const names = list.split(',').map((name) => name.trim());
  if (!names.every((name) => Object.hasOwn(values, name))) return undefined;
  const wanted = new Set(names.map((name) => values[name]).filter((value) => value !== undefined));
  return wanted.size > 1 ? undefined : ([...wanted][0] ?? 'none');
}
