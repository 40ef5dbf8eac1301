import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

const START = 1_700_000_000_000;

describe('a token bucket', () => {
  it('gives a second’s worth at once, and then as many as have come in', () => {
    const bucket = new TokenBucket(2, START);
    assert.deepEqual([bucket.take(START), bucket.take(START), bucket.take(START)], [true, true, false]);
    assert.equal(bucket.take(START + 499), false);
    assert.equal(bucket.take(START + 500), true);
    assert.equal(bucket.take(START + 500), false);
    const later = START + 60_000;
    assert.deepEqual([bucket.take(later), bucket.take(later), bucket.take(later)], [true, true, false]);
  });

  it('says whether it has one without taking it', () => {
    const bucket = new TokenBucket(1, START);
    assert.deepEqual(
      [bucket.has(START), bucket.has(START), bucket.take(START), bucket.has(START)],
      [true, true, true, false],
    );
    const several = new TokenBucket(3, START);
    assert.deepEqual([several.has(START, 3), several.has(START, 4), several.take(START)], [true, false, true]);
    assert.equal(several.has(START, 3), false);
  });

  const schedule = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(2000), { minLength: 1, maxLength: 200 }));

  it('never gives more than its rate and one second’s worth', () => {
    fc.assert(
      fc.property(schedule, ([perSecond, steps]) => {
        const bucket = new TokenBucket(perSecond, START);
        let now = START;
        let taken = 0;
        for (const step of steps) {
          now += step;
          if (bucket.take(now)) taken += 1;
          assert.ok(taken <= perSecond + ((now - START) * perSecond) / 1000 + 1e-6);
        }
      }),
    );
  });

  it('never refuses who asks no more often than the rate', () => {
    fc.assert(
      fc.property(schedule, ([perSecond, steps]) => {
        const bucket = new TokenBucket(perSecond, START);
        let now = START;
        for (const step of steps) {
          now += 1000 / perSecond + step;
          assert.ok(bucket.take(now));
        }
      }),
    );
  });
});
