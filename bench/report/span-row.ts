import type { SpanAccount } from '../measure/span-account.ts';
import type { Run } from '../tournament.ts';

/** The accounts of an entry's runs, added up: what one run lost is not hidden by the others. */
export interface SpanRow {
  readonly started: number;
  readonly exported: number;
  readonly unsampled: number;
  readonly undecided: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly left: number;
  readonly queuedAtLoadEnd: number;
  readonly spooledAtLoadEnd: number;
  /** The longest. */
  readonly drainedMs: number;
  readonly received: number | undefined;
  /** Spans of which nothing is known, or that were counted twice. */
  readonly imbalance: number;
}

/** Undefined where no run has an account. */
export function toSpanRow(runs: readonly Run[]): SpanRow | undefined {
  const accounts = runs.flatMap(({ spans }) => spans ?? []);
  if (accounts.length === 0) return undefined;
  const sum = (value: (account: SpanAccount) => number): number =>
    accounts.reduce((total, account) => total + value(account), 0);
  const dropped: Record<string, number> = {};
  for (const [reason, spans] of accounts.flatMap((account) => Object.entries(account.dropped)))
    dropped[reason] = (dropped[reason] ?? 0) + spans;
  const isCounted = accounts.every(({ received }) => received !== undefined);
  return {
    started: sum(({ started }) => started),
    exported: sum(({ exported }) => exported),
    unsampled: sum(({ unsampled }) => unsampled),
    undecided: sum(({ undecided }) => undecided),
    dropped,
    lost: Object.values(dropped).reduce((total, spans) => total + spans, 0),
    left: sum(({ left }) => left),
    queuedAtLoadEnd: sum(({ queuedAtLoadEnd }) => queuedAtLoadEnd),
    spooledAtLoadEnd: sum(({ spooledAtLoadEnd }) => spooledAtLoadEnd),
    drainedMs: Math.max(...accounts.map(({ drainedMs }) => drainedMs)),
    received: isCounted ? sum(({ received }) => received!) : undefined,
    imbalance: sum(({ imbalance }) => Math.abs(imbalance)),
  };
}
