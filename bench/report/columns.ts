import { between, digits, percent, times } from './cells.ts';
import type { Column } from './column.ts';
import type { Row } from './row.ts';
import { SPAN_COLUMNS } from './span-columns.ts';

/** Share of the offered rate from which it counts as reached. */
const ENOUGH = 0.99;

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
  { heading: 'min–max', text: ({ cpuMicrosRange: [least, most] }) => between(least, most) },
  { heading: '× CPU', text: (row) => times(row.cpuRatio) },
  { heading: 'main thread µs each', text: (row) => digits(row.mainThreadMicros, 2) },
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

/** Behind the others where a scenario offers messages at a rate. */
const OFFERED_COLUMNS: readonly Column[] = [
  { heading: 'offered/s', text: (row) => digits(row.offeredPerSecond, 0) },
  { heading: 'reached/s', text: reached },
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

/** Rates in one table, the memory of idle connections in another, the account of spans in a third; none is empty. */
export function toTables(rows: readonly Row[]): Table[] {
  const idle = rows.filter((row) => row.kibibytesPerConnection !== undefined);
  const rates = rows.filter((row) => row.kibibytesPerConnection === undefined);
  const isOffered = rates.some(({ offeredPerSecond }) => offeredPerSecond !== undefined);
  return [
    { columns: isOffered ? [...RATE_COLUMNS, ...OFFERED_COLUMNS] : RATE_COLUMNS, rows: rates },
    { columns: IDLE_COLUMNS, rows: idle },
    { columns: [SCENARIO, BROKER, ...SPAN_COLUMNS], rows: rows.filter(({ spans }) => spans !== undefined) },
  ].filter((table) => table.rows.length > 0);
}

/** Says by how much less was published than was to be, where it is more than what is lost to rounding. */
function reached({ offeredPerSecond, reachedPerSecond }: Row): string {
  const share = reachedPerSecond! / offeredPerSecond!;
  return share < ENOUGH ? `${digits(reachedPerSecond, 0)} (${percent(share)})` : digits(reachedPerSecond, 0);
}
