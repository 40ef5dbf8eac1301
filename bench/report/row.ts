import type { Entry, Run } from '../tournament.ts';
import { type SpanRow, toSpanRow } from './span-row.ts';

/** The medians of an entry's runs, in the units that are shown; and its ratios to the first broker of the scenario. */
export interface Row {
  readonly scenario: string;
  readonly broker: string;
  readonly cpuMicros: number;
  /** Of the best run and of the worst: what lies within, nobody can tell from the machine's noise. */
  readonly cpuMicrosRange: readonly [number, number];
  /** Of the thread that messages are on. */
  readonly mainThreadMicros: number;
  readonly perSecond: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly residentMebibytes: number;
  readonly kibibytesPerConnection: number | undefined;
  /** Share of its core that the generator used: near 1, it was the limit. */
  readonly generatorShare: number;
  /** Share of its core (or more, with several threads) that the broker used. */
  readonly brokerShare: number;
  /** Of the thread that exports traces: for one operation, and as a share of a core. */
  readonly exporterMicros: number;
  readonly exporterShare: number;
  /** Of an open loop: messages published a second, as they were to be and as they were. */
  readonly offeredPerSecond: number | undefined;
  readonly reachedPerSecond: number | undefined;
  readonly lost: number;
  /** This broker's processor time per operation ÷ the reference's: 2 means the reference needs half. */
  readonly cpuRatio: number | undefined;
  /** This broker's rate ÷ the reference's. */
  readonly rateRatio: number | undefined;
  readonly failures: readonly string[];
  readonly spans: SpanRow | undefined;
  readonly spansPerMessage: number | undefined;
}

/** Entries come scenario by scenario; the first broker of each is the reference of its ratios. */
export function toRows(entries: readonly Entry[]): Row[] {
  const references = new Map<string, Row>();
  return entries.map((entry) => {
    const row = medians(entry);
    const reference = references.get(entry.scenario);
    if (reference === undefined) references.set(entry.scenario, row);
    if (reference === undefined) return row;
    return {
      ...row,
      cpuRatio: ratio(row.cpuMicros, reference.cpuMicros),
      rateRatio: ratio(row.perSecond, reference.perSecond),
    };
  });
}

function medians({ scenario, broker, runs, failures }: Entry): Row {
  const of = (value: (run: Run) => number | undefined): number | undefined =>
    median(runs.map(value).filter((found) => found !== undefined));
  const sure = (value: (run: Run) => number): number => of(value) ?? Number.NaN;
  return {
    scenario,
    broker,
    cpuMicros: sure((run) => (run.brokerCpuMs * 1000) / run.operations),
    cpuMicrosRange: range(runs.map((run) => (run.brokerCpuMs * 1000) / run.operations)),
    mainThreadMicros: sure((run) => (run.mainThreadCpuMs * 1000) / run.operations),
    perSecond: sure((run) => (run.operations * 1000) / run.elapsedMs),
    p50Ms: of((run) => run.p50Ms),
    p99Ms: of((run) => run.p99Ms),
    residentMebibytes: sure((run) => run.residentBytes / 1024 ** 2),
    kibibytesPerConnection: of((run) => bytesToKibibytes(run.bytesPerConnection)),
    generatorShare: sure((run) => run.generatorCpuMs / run.elapsedMs),
    brokerShare: sure((run) => run.brokerCpuMs / run.elapsedMs),
    exporterMicros: sure((run) => (run.exporterCpuMs * 1000) / run.operations),
    exporterShare: sure((run) => run.exporterCpuMs / run.elapsedMs),
    offeredPerSecond: of((run) => run.offered?.perSecond),
    reachedPerSecond: of((run) => run.offered?.reachedPerSecond),
    lost: runs.reduce((sum, run) => sum + run.lost, 0),
    cpuRatio: undefined,
    rateRatio: undefined,
    failures,
    spans: toSpanRow(runs),
    spansPerMessage: of(({ spans, published }) => (spans && published ? spans.started / published : undefined)),
  };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

function range(values: readonly number[]): [number, number] {
  return values.length === 0 ? [Number.NaN, Number.NaN] : [Math.min(...values), Math.max(...values)];
}

function bytesToKibibytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1024;
}

function ratio(value: number, reference: number): number | undefined {
  const quotient = value / reference;
  return Number.isFinite(quotient) ? quotient : undefined;
}
