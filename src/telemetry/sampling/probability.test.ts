import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CHOOSES_NONE, encodeTh, loweredThreshold, thresholdOfRate } from './probability.ts';

const rates = fc.double({ min: 0, max: 1, noNaN: true });
const bits56 = fc.bigInt({ min: 0n, max: 2n ** 56n - 1n });

/** As a service that knows nothing but `th` would decide. */
const others = (th: string, randomness: bigint): boolean => randomness >= BigInt(`0x${th.padEnd(14, '0')}`);

describe('consistent probability', () => {
  it('says th as OpenTelemetry’s specification does', () => {
    const examples: readonly (readonly [number, string | undefined])[] = [
      [1, '0'],
      [0.5, '8'],
      [0.25, 'c'],
      [0.75, '4'],
      [1 / 16, 'f'],
      [0.01, 'fd70a3d7'],
      [0, undefined],
    ];
    for (const [rate, th] of examples) assert.equal(encodeTh(thresholdOfRate(rate)), th, String(rate));
  });

  it('decides by 32 bits exactly what every other service decides by th and all 56', () => {
    fc.assert(
      fc.property(rates, bits56, (rate, randomness) => {
        const threshold = thresholdOfRate(rate);
        const th = encodeTh(threshold);
        const chosen = Number(randomness >> 24n) >= threshold;
        assert.equal(chosen, th !== undefined && others(th, randomness));
      }),
    );
  });

  it('writes at most eight digits, without trailing zeros', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const th = encodeTh(thresholdOfRate(rate));
        assert.match(th ?? '0', /^(0|[0-9a-f]{0,7}[1-9a-f])$/);
      }),
    );
  });

  it('chooses the share it is told, to 2^-31, and none only where the rate is 0', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const share = (CHOOSES_NONE - thresholdOfRate(rate)) / 2 ** 32;
        assert.ok(Math.abs(share - rate) <= 2 ** -31);
        assert.notEqual(thresholdOfRate(rate), 2 ** 32 - 1);
        assert.equal(share === 0, rate === 0);
      }),
    );
  });

  it('takes a rate out of range for the nearest', () => {
    assert.equal(thresholdOfRate(-1), CHOOSES_NONE);
    assert.equal(thresholdOfRate(2), 0);
  });

  it('is lowered in proportion, to a part of what was chosen before', () => {
    fc.assert(
      fc.property(rates, rates, (rate, factor) => {
        const threshold = thresholdOfRate(rate);
        const lowered = loweredThreshold(threshold, factor);
        assert.ok(lowered >= threshold && lowered <= CHOOSES_NONE);
        assert.ok(Math.abs(CHOOSES_NONE - lowered - (CHOOSES_NONE - threshold) * factor) <= 2);
        assert.equal(lowered === CHOOSES_NONE, threshold === CHOOSES_NONE || factor === 0);
      }),
    );
  });
});
