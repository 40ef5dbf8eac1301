import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TraceIds } from '../records/trace-ids.ts';
import { TraceHash } from './trace-hash.ts';

const seed = TraceIds.randomSeed();
const BUCKETS = 1024;
const TRACES = 16 * BUCKETS;

/** How many of the traces lie in the fullest bucket. */
function fullest(hash: TraceHash, traceOf: (number: number) => Uint32Array): number {
  const counts = new Uint32Array(BUCKETS);
  for (let number = 0; number < TRACES; number += 1) {
    hash.take(traceOf(number));
    counts[hash.bucket & (BUCKETS - 1)]! += 1;
  }
  return Math.max(...counts);
}

const ids = new TraceIds(seed);

/** As TraceIds gives it out. */
function own(n: number): Uint32Array {
  const words = new Uint32Array(6);
  ids.write(n, words, 0);
  return words.subarray(0, 4);
}

describe('the hash of traces', () => {
  const families: Record<string, (number: number) => Uint32Array> = {
    'differ in their first word': (number) => Uint32Array.of(number, 1, 2, 3),
    'differ in their last word': (number) => Uint32Array.of(1, 2, 3, number),
    'differ in the high bits of a word': (number) => Uint32Array.of(1, number << 18, 2, 3),
    'differ in two words that cancel out': (number) => Uint32Array.of(number, number, 2, 3),
    'are of this process, and chosen from all it ever gave out': (number) => own(number * 2 ** 18),
    'count up as ids of a simple client do': (number) => Uint32Array.of(0, 0, 0, (number << 24) | (number >>> 8)),
  };
  for (const [what, traceOf] of Object.entries(families))
    it(`spreads ids that ${what} as if they were random`, () => {
      for (let key = 0; key < 10; key += 1) {
        const most = fullest(new TraceHash(seed), traceOf);
        // 16 on average: of a Poisson distribution, none of 1,024 has more than 45 but once in 10^6 times.
        assert.ok(most <= 45, `${most} in one bucket`);
      }
    });

  it('puts traces of this process that come together side by side, whichever word is next to which', () => {
    const hash = new TraceHash(seed);
    for (const first of [0, 256, 2 ** 32 - 256, 2 ** 32]) {
      hash.take(own(first));
      const { bucket } = hash;
      for (let number = 1; number < 256; number += 1) {
        hash.take(own(first + number));
        assert.equal(hash.bucket ^ bucket, number, String(first + number));
      }
    }
  });

  it('is another with another key, and tells traces apart by two numbers', () => {
    const [one, other] = [
      new TraceHash(seed, new Uint32Array(8).fill(1)),
      new TraceHash(seed, new Uint32Array(8).fill(2)),
    ];
    one.take(Uint32Array.of(1, 2, 3, 4));
    other.take(Uint32Array.of(1, 2, 3, 4));
    assert.notEqual(one.bucket, other.bucket);
    assert.notEqual(one.check, other.check);
    const [bucket, check] = [one.bucket, one.check];
    one.take(Uint32Array.of(1, 2, 3, 5));
    assert.notDeepEqual([one.bucket, one.check], [bucket, check]);
  });
});
