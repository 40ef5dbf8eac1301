/** Figures as the tables show them. */

export const NOTHING = '–';

export function digits(value: number | undefined, fraction: number): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  return value.toLocaleString('en-US', { minimumFractionDigits: fraction, maximumFractionDigits: fraction });
}

export function times(value: number | undefined): string {
  return value === undefined ? NOTHING : `${value.toPrecision(3)}×`;
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : NOTHING;
}

export function between(least: number, most: number): string {
  return Number.isFinite(least) ? `${digits(least, 2)}–${digits(most, 2)}` : NOTHING;
}
