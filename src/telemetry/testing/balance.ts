import type { TraceStats } from '../trace-stats.ts';

/** Spans that came in, less those of which it is known what became of them: 0, or somebody has counted wrong. */
export function balanceOf({ spans }: Pick<TraceStats, 'spans'>): number {
  const dropped = Object.values(spans.dropped).reduce((sum, count) => sum + count, 0);
  const waiting = spans.open + spans.undecided + spans.queued + spans.spooled;
  return spans.started + spans.restored - spans.exported - spans.unsampled - dropped - waiting;
}
