/** Prometheus text 0.0.4, which every scraper reads; OpenMetrics 1.0, which has exemplars, for those that ask for it. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

const OPENMETRICS = 'application/openmetrics-text';
/** What a reader of these reads of 1.0.0 too. */
const OPENMETRICS_VERSIONS: ReadonlySet<string | undefined> = new Set([undefined, '0.0.1', '1.0.0']);

interface Preference {
  readonly mediaType: string;
  readonly version: string | undefined;
  /** 0 to 1. */
  readonly quality: number;
}

/**
 * OpenMetrics where the header names it and prefers it to text, or likes both as well (RFC 9110, section 12.5.1). It has to
 * be named: a browser, which takes anything, is shown text.
 */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const preferences = (accept ?? '').split(',').map(preferenceOf);
  const openMetrics = qualityOf(preferences, isOpenMetrics);
  const text = qualityOf(preferences, ({ mediaType }) => mediaType === 'text/plain' || mediaType === 'text/*');
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'prometheus';
}

function isOpenMetrics({ mediaType, version }: Preference): boolean {
  return mediaType === OPENMETRICS && OPENMETRICS_VERSIONS.has(version);
}

function qualityOf(preferences: readonly Preference[], matches: (preference: Preference) => boolean): number {
  return Math.max(0, ...preferences.filter(matches).map(({ quality }) => quality));
}

function preferenceOf(range: string): Preference {
  const [mediaType = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const parameterOf = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  const quality = Number(parameterOf('q') ?? 1);
  return { mediaType, version: parameterOf('version'), quality: Number.isNaN(quality) ? 0 : quality };
}
