import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TraceStats } from '../telemetry/trace-stats.ts';
import { renderStats } from './trace-stats.ts';

const STATS: TraceStats = {
  traces: { recorded: 1200, failed: 3, exported: 14, kept: { head: 12, error: 3 }, notKept: {} },
  spans: {
    started: 9600,
    restored: 0,
    exported: 112,
    unsampled: 4000,
    dropped: { queue_full: 8 },
    open: 2,
    undecided: 5478,
    queued: 0,
    spooled: 0,
  },
  ring: { bytes: 64 * 1024 * 1024, oldestAt: 1000 },
  queueBytes: 0,
  spoolBytes: 2048,
  exportFailures: 1,
};

describe('trace stats', () => {
  it('are printed in columns', () => {
    assert.equal(
      renderStats(STATS, 43_500),
      [
        'traces',
        '  recorded      1,200  3 failed',
        '  kept             15  head 12, error 3',
        '  exported         14',
        'spans',
        '  started       9,600',
        '  exported        112',
        '  unsampled     4,000  nothing asked for them',
        '  dropped           8  queue_full 8',
        '  undecided     5,478  in the ring: may still be kept',
        '  open              2  not yet ended',
        '  queued            0  0 B',
        '  spooled           0  2.0 KiB',
        'ring',
        '  size       64.0 MiB  holds the last 42.50 s',
        'export',
        '  failures          1  requests',
        '',
      ].join('\n'),
    );
  });

  it('say what went over budget, and what an earlier run left', () => {
    const { traces, spans } = STATS;
    const text = renderStats(
      { ...STATS, traces: { ...traces, notKept: { slow: 2 } }, spans: { ...spans, restored: 7 } },
      0,
    );
    assert.match(text, /not kept +2 {2}over budget: slow 2\n/);
    assert.match(text, /restored +7 {2}by an earlier run\n/);
  });
});
