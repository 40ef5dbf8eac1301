import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { METRICS, type MetricDefinition } from './catalogue.ts';
import { HistogramBuckets } from './histogram-buckets.ts';

const histograms = Object.values<MetricDefinition>(METRICS).filter(({ kind }) => kind === 'histogram');

/** What the buckets mean: the first whose bound is not below the value. */
function scan(bounds: readonly number[], value: number): number {
  const found = bounds.findIndex((bound) => value <= bound);
  return found === -1 ? bounds.length : found;
}

describe('the buckets of a histogram', () => {
  it('hold each value that a scan of their bounds would put there, for every histogram there is', () => {
    for (const { bounds } of histograms) {
      const buckets = new HistogramBuckets(bounds);
      fc.assert(
        fc.property(fc.double({ min: 0, noNaN: true }), (value) => buckets.indexOf(value) === scan(bounds, value)),
      );
    }
  });

  it('hold their bounds, and what lies right above is in the next', () => {
    for (const { name, bounds } of histograms) {
      const buckets = new HistogramBuckets(bounds);
      for (const [index, bound] of bounds.entries()) {
        assert.equal(buckets.indexOf(bound), index, name);
        assert.equal(buckets.indexOf(bound * (1 + Number.EPSILON)), index + 1, name);
        assert.equal(buckets.indexOf(bound * (1 - Number.EPSILON)), index, name);
      }
    }
  });

  it('hold nothing and everything: zero in the first, infinity beyond the last', () => {
    const buckets = new HistogramBuckets([0.5, 1, 3]);
    assert.equal(buckets.indexOf(0), 0);
    assert.equal(buckets.indexOf(Number.MIN_VALUE), 0);
    assert.equal(buckets.indexOf(Number.POSITIVE_INFINITY), 3);
  });
});
