import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeepBudget } from './keep-budget.ts';

const START = 1_700_000_000_000;
const REASONS = 4;

/** How many of so many traces of a reason, one after the other, are kept. */
function kept(budget: KeepBudget, reason: number, traces: number, now: number): number {
  return Array.from({ length: traces }, () => budget.take(reason, 1, now)).filter(Boolean).length;
}

describe('the budget of what is kept afterwards', () => {
  it('gives one reason all that the others leave', () => {
    const budget = new KeepBudget(100, REASONS, START);
    let total = 0;
    for (let second = 1; second <= 20; second += 1) total += kept(budget, 0, 1000, START + second * 1000);
    assert.ok(total >= 20 * 100 && total <= 20 * 100 + 125, String(total));
  });

  it('leaves every reason its share while another storms', () => {
    const budget = new KeepBudget(100, REASONS, START);
    for (let step = 1; step <= 100; step += 1) {
      const now = START + step * 100;
      kept(budget, 0, 1000, now);
      // 20 a second, below the share of 25.
      assert.equal(kept(budget, 3, 2, now), 2);
    }
  });

  it('lets a record through whole and is closed until it is paid for', () => {
    const budget = new KeepBudget(4, 1, START);
    // From its share, and from the pool; with one reason nothing more comes to the pool until the share is full.
    assert.deepEqual([budget.take(0, 10, START), budget.take(0, 4, START)], [true, true]);
    assert.equal(budget.take(0, 1, START + 1500), false);
    assert.equal(budget.take(0, 1, START + 1750), true);
  });

  it('of less than one a second for each reason gives that', () => {
    const budget = new KeepBudget(1, REASONS, START);
    let total = 0;
    for (let second = 1; second <= 100; second += 1) total += kept(budget, 0, 5, START + second * 1000);
    assert.ok(total >= 90 && total <= 103, String(total));
  });

  it('never gives more than its rate and two seconds’ worth', () => {
    const asked = fc.record({ reason: fc.nat(REASONS - 1), after: fc.nat(500), times: fc.nat(50) });
    fc.assert(
      fc.property(fc.integer({ min: REASONS, max: 200 }), fc.array(asked, { maxLength: 200 }), (perSecond, asks) => {
        const budget = new KeepBudget(perSecond, REASONS, START);
        let now = START;
        let total = 0;
        for (const { reason, after, times } of asks) {
          now += after;
          total += kept(budget, reason, times, now);
          assert.ok(total <= (2 + (now - START) / 1000) * perSecond + 1e-6);
        }
      }),
    );
  });
});
