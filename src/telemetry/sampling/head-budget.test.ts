import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../testing/random.ts';
import { HeadBudget } from './head-budget.ts';

/** `demand` traces in a second, of which the factor's share is chosen by lot; then a tick. */
function second(budget: HeadBudget, demand: number, random: Random): number {
  let chosen = 0;
  for (let count = 0; count < demand; count += 1) {
    budget.want();
    if ((random.next() >>> 0) / 2 ** 32 < budget.factor) chosen += 1;
  }
  budget.tick(1000);
  return chosen;
}

describe('the budget of the head', () => {
  it('leaves the rate alone as long as it suffices', () => {
    const budget = new HeadBudget(100);
    const random = new Random([1, 2, 3, 4]);
    for (let time = 0; time < 20; time += 1) assert.equal(second(budget, 99, random), 99);
    assert.equal(budget.factor, 1);
  });

  it('is what a steady load gets, over ten seconds to within chance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 500 }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.integer(),
        (perSecond, demand, seed) => {
          const budget = new HeadBudget(perSecond);
          const random = new Random([seed, 2, 3, 4]);
          for (let time = 0; time < 30; time += 1) second(budget, demand, random);
          let chosen = 0;
          for (let time = 0; time < 10; time += 1) chosen += second(budget, demand, random);
          const expected = 10 * Math.min(perSecond, demand);
          assert.ok(
            Math.abs(chosen - expected) <= 6 * Math.sqrt(expected) + expected * 0.05,
            `${chosen} of ${expected}`,
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('follows a burst within the second, at the cost of a few seconds’ worth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 500 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer(),
        (perSecond, times, seed) => {
          const budget = new HeadBudget(perSecond);
          const random = new Random([seed, 2, 3, 4]);
          for (let time = 0; time < 10; time += 1) second(budget, perSecond, random);
          const worth = perSecond * (3 + Math.log2(times));
          assert.ok(second(budget, perSecond * times, random) <= worth + 6 * Math.sqrt(worth));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives the rate back smoothly when the load is gone', () => {
    const budget = new HeadBudget(10);
    const random = new Random([1, 2, 3, 4]);
    for (let time = 0; time < 10; time += 1) second(budget, 1000, random);
    const factors = Array.from({ length: 40 }, () => {
      second(budget, 5, random);
      return budget.factor;
    });
    assert.equal(factors.at(-1), 1);
    for (const [index, factor] of factors.entries()) {
      const before = factors[index - 1] ?? 0.01;
      assert.ok(factor >= before && factor <= before * 1.3, `${before} to ${factor}`);
    }
  });

  it('is not confused by a tick without time', () => {
    const budget = new HeadBudget(10);
    for (let count = 0; count < 100; count += 1) budget.want();
    const { factor } = budget;
    budget.tick(0);
    assert.equal(budget.factor, factor);
  });
});
