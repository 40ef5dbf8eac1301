import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatencyHistogram } from './latency-histogram.ts';

describe('LatencyHistogram', () => {
  it('gives every quantile within one bucket above the exact value', () => {
    const latency = fc.double({ min: 0, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1]!;
          const found = histogram.quantileMs(share)!;
          assert(found >= exact * 0.9999 && found <= exact * 1.03 + 0.001, `${found} for ${exact}`);
        },
      ),
    );
  });

  it('knows nothing before the first value, and after a reset', () => {
    const histogram = new LatencyHistogram();
    assert.equal(histogram.quantileMs(0.5), undefined);
    histogram.record(1);
    histogram.reset();
    assert.equal(histogram.quantileMs(0.5), undefined);
  });
});
