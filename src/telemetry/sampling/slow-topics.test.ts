import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../testing/random.ts';
import { SlowTopics } from './slow-topics.ts';

const NOW = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** Between 1 ms and 2 ms, evenly. */
const usual = (random: Random): number => 1 + (random.next() >>> 0) / 2 ** 32;

function warmUp(topics: SlowTopics, key: number, messages: number, random: Random, now = NOW): void {
  for (let count = 0; count < messages; count += 1) topics.isSlow(key, usual(random), 1, now);
}

describe('what is slow for its topic', () => {
  it('is nothing before 2,000 messages have come, for the 99.9th percentile', () => {
    const topics = new SlowTopics({ quantile: 0.999 });
    const random = new Random([1, 2, 3, 4]);
    warmUp(topics, 7, 1999, random);
    assert.equal(topics.isSlow(7, 1000, 1, NOW), false);
    assert.equal(topics.isSlow(7, 1000, 1, NOW), true);
    assert.equal(topics.isSlow(8, 1000, 1, NOW), false);
  });

  it('is each topic’s own', () => {
    const topics = new SlowTopics({ quantile: 0.99 });
    const random = new Random([1, 2, 3, 4]);
    for (let count = 0; count < 5000; count += 1) {
      topics.isSlow(1, usual(random), 1, NOW);
      topics.isSlow(2, usual(random) * 100, 1, NOW);
    }
    assert.equal(topics.isSlow(1, 50, 1, NOW), true);
    assert.equal(topics.isSlow(2, 50, 1, NOW), false);
    assert.equal(topics.isSlow(2, 250, 1, NOW), true);
  });

  it('is at most about 1 - q of a steady stream, whatever its shape', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.9, 0.99, 0.999), fc.integer({ min: 0, max: 3 }), fc.integer(), (q, shape, seed) => {
        const topics = new SlowTopics({ quantile: q });
        const random = new Random([seed, 2, 3, 4]);
        const durationMs = (): number => Math.exp(shape * Math.sqrt(usual(random)) * usual(random));
        for (let count = 0; count < 20_000; count += 1) topics.isSlow(1, durationMs(), 1, NOW);
        let slow = 0;
        for (let count = 0; count < 20_000; count += 1) if (topics.isSlow(1, durationMs(), 1, NOW)) slow += 1;
        const expected = 20_000 * (1 - q);
        assert.ok(slow <= expected + 8 * Math.sqrt(expected) * Math.SQRT2, `${slow} of ${expected}`);
      }),
      { numRuns: 20 },
    );
  });

  it('forgets: what was slow yesterday may be usual today', () => {
    const topics = new SlowTopics({ quantile: 0.99 });
    const random = new Random([1, 2, 3, 4]);
    warmUp(topics, 1, 10_000, random);
    assert.equal(topics.isSlow(1, 5, 1, NOW), true);
    const later = NOW + 24 * HOUR_MS;
    topics.isSlow(1, 5, 1, later);
    assert.equal(topics.isSlow(1, 5, 1, later), false, 'too few to know');
    for (let count = 0; count < 1000; count += 1) topics.isSlow(1, 5, 1, later);
    assert.equal(topics.isSlow(1, 5, 1, later), false);
    assert.equal(topics.isSlow(1, 6, 1, later), true);
  });

  it('counts all messages of a record', () => {
    const topics = new SlowTopics({ quantile: 0.999 });
    topics.isSlow(1, 1, 2000, NOW);
    assert.equal(topics.isSlow(1, 2, 1, NOW), true);
  });

  it('stays known for topics with many messages while thousands of others come once', () => {
    const topics = new SlowTopics({ quantile: 0.99, maxTopics: 16 });
    const random = new Random([1, 2, 3, 4]);
    for (let key = 1; key <= 4; key += 1) warmUp(topics, key, 1000, random);
    for (let once = 1000; once < 20_000; once += 1) {
      topics.isSlow(once, 1, 1, NOW);
      if (once % 10 === 0) for (let key = 1; key <= 4; key += 1) topics.isSlow(key, usual(random), 1, NOW);
    }
    for (let key = 1; key <= 4; key += 1) assert.equal(topics.isSlow(key, 100, 1, NOW), true, String(key));
  });

  it('gives a topic that begins to have many messages a place, with nothing of who had it before', () => {
    const topics = new SlowTopics({ quantile: 0.9, maxTopics: 2 });
    for (const key of [1, 2]) for (let count = 0; count < 100; count += 1) topics.isSlow(key, 1, 1, NOW);
    for (let count = 0; count < 1000; count += 1) topics.isSlow(3, 50, 1, NOW);
    assert.equal(topics.isSlow(3, 50, 1, NOW), false);
    assert.equal(topics.isSlow(3, 60, 1, NOW), true);
  });
});
