import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from '../../base/token-bucket.ts';
import { HeadSampler } from './head-sampler.ts';
import { CHOOSES_NONE, thresholdOfRate } from './probability.ts';

const NOW = 1_700_000_000_000;
const ALL = thresholdOfRate(1);
/** Bits of the n-th of many traces, evenly spread. */
const spread = (n: number): number => Math.imul(n, 0x9e37_79b1) >>> 0;
const bits32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const sampler = (options: Partial<ConstructorParameters<typeof HeadSampler>[0]> = {}): HeadSampler =>
  new HeadSampler({ followParent: true, maxTracesPerSecond: 0, ...options });

describe('the head', () => {
  it('chooses a trace that begins here by the threshold alone', () => {
    fc.assert(
      fc.property(bits32, fc.double({ min: 0, max: 1, noNaN: true }), (bits, rate) => {
        const threshold = thresholdOfRate(rate);
        assert.equal(sampler().chooses(bits, threshold), bits >>> 0 >= threshold);
      }),
    );
  });

  it('follows a caller’s flag, or decides by the trace id as if there were none', () => {
    fc.assert(
      fc.property(bits32, fc.boolean(), (bits, isSampled) => {
        const threshold = thresholdOfRate(0.5);
        const isChosen = bits >>> 0 >= threshold;
        const asked = (followParent: boolean) =>
          sampler({ followParent }).choosesContinued(isSampled, bits, threshold, undefined, NOW);
        assert.equal(asked(false), isChosen ? 'rate' : 'none');
        assert.equal(asked(true), !isSampled ? 'none' : isChosen ? 'rate' : 'caller');
      }),
    );
  });

  it('lets callers force as many traces a second as their listener allows, and the rate decide about the rest', () => {
    const head = sampler();
    const forced = new TokenBucket(2, NOW);
    const force = (threshold: number, now = NOW) => head.choosesContinued(true, 0, threshold, forced, now);
    assert.deepEqual(
      [force(CHOOSES_NONE), force(CHOOSES_NONE), force(CHOOSES_NONE), force(ALL), force(CHOOSES_NONE, NOW + 1000)],
      ['caller', 'caller', 'none', 'rate', 'caller'],
    );
    assert.equal(head.notForced, 1);
  });

  it('takes no token for what the rate chooses anyway', () => {
    const head = sampler();
    const forced = new TokenBucket(1, NOW);
    for (let count = 0; count < 10; count += 1) assert.equal(head.choosesContinued(true, 0, ALL, forced, NOW), 'rate');
    assert.ok(forced.has(NOW));
  });

  it('lowers the rate beyond the budget, counts what it did not choose, and says the threshold it used', () => {
    const head = sampler({ maxTracesPerSecond: 10 });
    for (let time = 0; time < 60; time += 1) {
      for (let count = 0; count < 1000; count += 1) head.chooses(count * 0x10000, ALL);
      head.tick(1000);
    }
    const threshold = head.effectiveThreshold(ALL);
    assert.ok(Math.abs(threshold / 2 ** 32 - 0.99) < 0.001, String(threshold));
    const before = head.notKept;
    assert.equal(head.chooses(threshold, ALL), true);
    assert.equal(head.notKept, before);
    assert.equal(head.chooses(threshold - 1, ALL), false);
    assert.equal(head.notKept, before + 1);
    assert.equal(head.chooses(0, thresholdOfRate(0.5)), false);
    assert.equal(head.notKept, before + 1);
  });

  it('decides about traces that begin together by one threshold, and accounts for each of them', () => {
    const rates = fc.double({ min: 0, max: 1, noNaN: true });
    const burst = fc.record({
      count: fc.integer({ min: 0, max: 300 }),
      rate: rates,
      pauseMs: fc.integer({ min: 0, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 20 }), fc.integer({ min: 0, max: 50 }), (bursts, maxTracesPerSecond) => {
        const head = sampler({ maxTracesPerSecond });
        let [begun, kept, wanted] = [0, 0, 0];
        for (const { count, rate, pauseMs } of bursts) {
          const threshold = thresholdOfRate(rate);
          const from = begun;
          const effective = head.thresholdForMany(count, threshold, (index) => spread(from + index));
          assert.ok(effective >= threshold);
          if (maxTracesPerSecond === 0) assert.equal(effective, threshold);
          begun += count;
          for (let index = from; index < begun; index += 1) {
            if (spread(index) >= threshold) wanted += 1;
            if (spread(index) >= effective) kept += 1;
          }
          head.tick(pauseMs);
        }
        assert.equal(kept + head.notKept, wanted);
      }),
    );
  });

  it('keeps to the budget when messages come in runs, whatever their size', () => {
    for (const size of [1, 20, 5000]) {
      const head = sampler({ maxTracesPerSecond: 100 });
      let [begun, kept] = [0, 0];
      for (let second = 0; second < 60; second += 1) {
        for (let run = 0; run < 5000 / size; run += 1) {
          const from = begun;
          const effective = head.thresholdForMany(size, ALL, (index) => spread(from + index));
          begun += size;
          for (let index = from; index < begun; index += 1) if (spread(index) >= effective) kept += 1;
        }
        head.tick(1000);
      }
      // The first second may cost some budgets more: see HeadBudget.
      assert.ok(kept < 100 * (60 + 10) && kept > 100 * 50, `${kept} of ${begun} in runs of ${size}`);
    }
  });

  it('counts callers’ traces as demand too', () => {
    const head = sampler({ maxTracesPerSecond: 10 });
    for (let count = 0; count < 1000; count += 1) head.choosesContinued(true, count * 0x10000, ALL, undefined, NOW);
    assert.ok(head.effectiveThreshold(ALL) > thresholdOfRate(0.05));
  });
});
