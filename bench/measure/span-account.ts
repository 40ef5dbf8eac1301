import { setTimeout as sleep } from 'node:timers/promises';
import { balanceOf } from '../../src/telemetry/testing/balance.ts';
import type { Collector } from '../collectors/collector.ts';
import type { ReadFigures } from './span-figures.ts';

/** What became of the spans of a run, from the start of the broker until all that was to leave had left. */
export interface SpanAccount {
  readonly started: number;
  readonly exported: number;
  readonly unsampled: number;
  /** By reason; those that there were. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Recorded, not chosen, and still there to be chosen; where every trace is exported, none may be. */
  readonly undecided: number;
  /** Open, or waiting in memory or on disk, at the end of all. */
  readonly left: number;
  /** In memory and on disk when the load had ended, before the collector recovered. */
  readonly queuedAtLoadEnd: number;
  readonly spooledAtLoadEnd: number;
  /** From the recovery of the collector to the last span it was sent. */
  readonly drainedMs: number;
  /** Spans that came in and of which nothing is known: not 0, and somebody has counted wrong. */
  readonly imbalance: number;
  /** What the collector counted itself. */
  readonly received: number | undefined;
}

const POLL_MS = 250;
/** The broker sends what it has gathered once a second: as long as nothing has left, something may yet. */
const QUIET_MS = 1_500;
const DRAIN_LIMIT_MS = 60_000;

/** What the account is taken of. */
export interface Exporting {
  readonly readFigures: ReadFigures;
  readonly collector: Collector;
  /** Share of the traces that are chosen when they begin. */
  readonly samplingRate: number;
  /** What the collector had when the broker started. */
  readonly receivedBefore: number | undefined;
}

/** After the load: lets the collector recover and waits, within limits, until it has everything. */
export async function settleSpans(
  { readFigures, collector, samplingRate, receivedBefore }: Exporting,
  quietMs: number = QUIET_MS,
): Promise<SpanAccount> {
  const atLoadEnd = await readFigures();
  await collector.recover();
  const recoveredAt = performance.now();
  let lastChangeAt = recoveredAt;
  let figures = await readFigures();
  while (performance.now() < Math.min(lastChangeAt + quietMs, recoveredAt + DRAIN_LIMIT_MS)) {
    await sleep(Math.min(POLL_MS, quietMs));
    const before = figures;
    figures = await readFigures();
    const { exported, queued, spooled } = figures;
    if (exported !== before.exported || queued + spooled > 0) lastChangeAt = performance.now();
  }
  const { started, exported, unsampled, dropped, undecided, open, queued, spooled } = figures;
  const received = await collector.receivedSpans();
  return {
    started,
    exported,
    unsampled,
    dropped,
    undecided,
    left: open + queued + spooled,
    queuedAtLoadEnd: atLoadEnd.queued,
    spooledAtLoadEnd: atLoadEnd.spooled,
    drainedMs: lastChangeAt - recoveredAt,
    // Where all are chosen, none can be undecided.
    imbalance: balanceOf({ spans: figures }) + (samplingRate === 1 ? undecided : 0),
    received: received === undefined || receivedBefore === undefined ? undefined : received - receivedBefore,
  };
}
