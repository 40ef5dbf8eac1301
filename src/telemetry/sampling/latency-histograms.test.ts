import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatencyHistograms } from './latency-histograms.ts';

const durations = fc.array(fc.double({ min: 0.001, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 500 });
const quantiles = fc.double({ min: 0.5, max: 0.9999, noNaN: true });

/** The smallest value that at most 1 - q of all exceed. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const mayExceed = Math.floor(values.length * (1 - q));
  return sorted[values.length - 1 - mayExceed]!;
}

function histogramOf(values: readonly number[]): LatencyHistograms {
  const histograms = new LatencyHistograms(3);
  // Neighbours, which must not count.
  for (const slot of [0, 2]) histograms.add(slot, 1_000_000, 100);
  for (const value of values) histograms.add(1, value, 1);
  return histograms;
}

describe('a histogram of durations', () => {
  it('knows a quantile to 1/16 above, and never too low', () => {
    fc.assert(
      fc.property(durations, quantiles, (values, q) => {
        // Where a bucket's count lies on the border, adding up fractions may take either side.
        const mayExceed = values.length * (1 - q);
        fc.pre(Math.abs(mayExceed - Math.round(mayExceed)) > 1e-6);
        const exact = exactQuantile(values, q);
        const estimate = histogramOf(values).quantile(1, q);
        assert.ok(estimate >= exact && estimate <= exact * (1 + 1 / 16) + 1e-12, `${estimate} for ${exact}`);
      }),
      { numRuns: 500 },
    );
  });

  it('says at most 1 - q of them are above', () => {
    fc.assert(
      fc.property(durations, quantiles, (values, q) => {
        const estimate = histogramOf(values).quantile(1, q);
        const above = values.filter((value) => value > estimate).length;
        assert.ok(above <= values.length * (1 - q) + 1e-9);
      }),
    );
  });

  it('fades without forgetting the few long ones first', () => {
    const histograms = new LatencyHistograms(1);
    histograms.add(0, 1, 1998);
    histograms.add(0, 100, 3);
    const before = histograms.quantile(0, 0.999);
    for (let time = 0; time < 10; time += 1) histograms.fade(0, 0.5);
    assert.equal(histograms.quantile(0, 0.999), before);
    histograms.add(0, 1, 2000);
    assert.ok(histograms.quantile(0, 0.999) < 1.1);
  });

  it('counts what lies outside its range as the nearest, and has no quantile when empty', () => {
    const histograms = new LatencyHistograms(1);
    assert.equal(histograms.quantile(0, 0.5), Number.POSITIVE_INFINITY);
    for (const duration of [-1, 0, Number.NaN]) histograms.add(0, duration, 1);
    assert.ok(histograms.quantile(0, 0.9) < 0.0011);
    histograms.add(0, Number.POSITIVE_INFINITY, 100);
    assert.equal(histograms.quantile(0, 0.9), 2 ** 20);
  });
});
