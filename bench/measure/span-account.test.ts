import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Collector } from '../collectors/collector.ts';
import { settleSpans } from './span-account.ts';
import type { SpanFigures } from './span-figures.ts';

const QUIET_MS = 10;
const NONE: SpanFigures = {
  started: 0,
  restored: 0,
  exported: 0,
  unsampled: 0,
  dropped: {},
  open: 0,
  undecided: 0,
  queued: 0,
  spooled: 0,
};

/** A broker that says these figures one after the other, the last of them for ever, and a collector that took 130 in all. */
function settle(figures: readonly Partial<SpanFigures>[], told: string[] = [], samplingRate = 1) {
  const left = figures.map((spans): SpanFigures => ({ ...NONE, ...spans }));
  const collector: Collector = {
    label: 'dead',
    endpoint: 'http://127.0.0.1:1',
    misbehave: async () => {},
    recover: async () => void told.push(`recover with ${left.length} to come`),
    receivedSpans: async () => 130,
  };
  const readFigures = async (): Promise<SpanFigures> => (left.length > 1 ? left.shift()! : left[0]!);
  return settleSpans({ readFigures, collector, samplingRate, receivedBefore: 100 }, QUIET_MS);
}

describe('the account of spans', () => {
  it('is taken when the collector has recovered and everything has left', async () => {
    const told: string[] = [];
    const account = await settle(
      [
        { started: 40, undecided: 10, queued: 20, spooled: 10 },
        { started: 40, undecided: 10, queued: 20, spooled: 10 },
        { started: 40, undecided: 10, exported: 20, spooled: 10 },
        { started: 40, unsampled: 10, exported: 27, dropped: { rejected: 3 } },
      ],
      told,
    );
    assert.deepEqual(told, ['recover with 3 to come']);
    assert(account.drainedMs > 0);
    assert.deepEqual(
      { ...account, drainedMs: 0 },
      {
        started: 40,
        exported: 27,
        unsampled: 10,
        dropped: { rejected: 3 },
        undecided: 0,
        left: 0,
        queuedAtLoadEnd: 20,
        spooledAtLoadEnd: 10,
        drainedMs: 0,
        imbalance: 0,
        received: 30,
      },
    );
  });

  it('says how many spans nobody knows about', async () => {
    const { imbalance, left } = await settle([{ started: 40, exported: 27, open: 1 }]);
    assert.deepEqual([imbalance, left], [12, 1]);
  });

  it('takes nothing for undecided where every trace is chosen', async () => {
    const figures = [{ started: 40, exported: 10, undecided: 30 }];
    assert.equal((await settle(figures)).imbalance, 30);
    assert.equal((await settle(figures, [], 0.01)).imbalance, 0);
  });
});
