import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { balanceOf } from '../../src/telemetry/testing/balance.ts';
import { parseFigures } from './span-figures.ts';

const TEXT = `
# TYPE robustmq_spans_started_total counter
robustmq_spans_started_total 100
robustmq_spans_restored_total 5
robustmq_spans_exported_total 60
robustmq_spans_unsampled_total 20
robustmq_spans_dropped_total{reason="overwritten"} 0
robustmq_spans_dropped_total{reason="queue_full"} 7
robustmq_open_spans 1
robustmq_spans_undecided 2
robustmq_export_queue_spans 10
robustmq_export_spool_spans 4
`;

describe('figures of spans', () => {
  it('are read from the broker’s metrics', () => {
    const figures = parseFigures(TEXT);
    assert.deepEqual(figures, {
      started: 100,
      restored: 5,
      exported: 60,
      unsampled: 20,
      dropped: { queue_full: 7 },
      open: 1,
      undecided: 2,
      queued: 10,
      spooled: 4,
    });
    assert.equal(balanceOf({ spans: figures }), 1);
  });

  it('of which one is missing are none', () => {
    assert.throws(() => parseFigures(TEXT.replace('robustmq_open_spans', 'other')), /no metric robustmq_open_spans/);
  });
});
