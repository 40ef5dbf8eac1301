import type { Row } from './row.ts';

/** One column of a table: its heading and a row's text in it. */
export interface Column {
  readonly heading: string;
  readonly text: (row: Row) => string;
}

const NOTHING = '–';

const SCENARIO: Column = { heading: 'scenario', text: (row) => row.scenario };
const BROKER: Column = {
  heading: 'broker',
  text: ({ broker, lost, failures }) =>
    `${broker}${lost > 0 ? ` (${lost} lost)` : ''}${failures.length > 0 ? ` (${failures.length} runs failed)` : ''}`,
};
const MEMORY: Column = { heading: 'RSS MiB', text: (row) => digits(row.residentMebibytes, 0) };

const RATE_COLUMNS: readonly Column[] = [
  SCENARIO,
  BROKER,
  { heading: 'CPU-µs each', text: (row) => digits(row.cpuMicros, 2) },
  { heading: '× CPU', text: (row) => times(row.cpuRatio) },
  { heading: 'per second', text: (row) => digits(row.perSecond, 0) },
  { heading: '× rate', text: (row) => times(row.rateRatio) },
  { heading: 'p50 ms', text: (row) => digits(row.p50Ms, 3) },
  { heading: 'p99 ms', text: (row) => digits(row.p99Ms, 3) },
  MEMORY,
  { heading: 'broker CPU', text: (row) => percent(row.brokerShare) },
  { heading: 'exporter CPU-µs each', text: (row) => digits(row.exporterMicros, 2) },
  { heading: 'exporter CPU', text: (row) => percent(row.exporterShare) },
  { heading: 'generator CPU', text: (row) => percent(row.generatorShare) },
];

const IDLE_COLUMNS: readonly Column[] = [
  SCENARIO,
  BROKER,
  { heading: 'KiB per connection', text: (row) => digits(row.kibibytesPerConnection, 1) },
  MEMORY,
  { heading: 'idle CPU', text: (row) => percent(row.brokerShare) },
  { heading: 'connect p50 ms', text: (row) => digits(row.p50Ms, 3) },
  { heading: 'connect p99 ms', text: (row) => digits(row.p99Ms, 3) },
];

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** Rates in one table, the memory of idle connections in another; none is empty. */
export function toTables(rows: readonly Row[]): Table[] {
  const idle = rows.filter((row) => row.kibibytesPerConnection !== undefined);
  const rates = rows.filter((row) => row.kibibytesPerConnection === undefined);
  return [
    { columns: RATE_COLUMNS, rows: rates },
    { columns: IDLE_COLUMNS, rows: idle },
  ].filter((table) => table.rows.length > 0);
}

function digits(value: number | undefined, fraction: number): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  return value.toLocaleString('en-US', { minimumFractionDigits: fraction, maximumFractionDigits: fraction });
}

function times(value: number | undefined): string {
  return value === undefined ? NOTHING : `${value.toPrecision(3)}×`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : NOTHING;
}
