import { OtlpSettingsError } from './otlp-settings.ts';

const VARIABLE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';

/**
 * Metrics leave as sums since the start. Who asks for deltas (OTLP metrics exporter specification) would take these for
 * far too much, so that throws OtlpSettingsError.
 */
export function requireCumulative(environment: Readonly<Record<string, string | undefined>>): void {
  const preference = environment[VARIABLE]?.trim() ?? '';
  if (preference === '' || preference.toLowerCase() === 'cumulative') return;
  throw new OtlpSettingsError(
    'unsupported_temporality',
    `${VARIABLE} = ${JSON.stringify(preference)}: only cumulative is available; ` +
      `the Collector's cumulativetodelta processor makes deltas of it`,
  );
}
