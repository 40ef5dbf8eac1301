import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { choosesContinued, choosesTrace, ratioSampler, SAMPLING_BITS_AT } from './sampler.ts';
import { CONTEXT_BYTES, FLAGS_AT } from './trace-context.ts';

const bits32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

function contextWith(bits: number, flags: number): Uint8Array {
  const context = new Uint8Array(CONTEXT_BYTES).fill(1);
  new DataView(context.buffer).setInt32(SAMPLING_BITS_AT, bits);
  context[FLAGS_AT] = flags;
  return context;
}

describe('head sampler', () => {
  it('at rate 1 chooses every trace, at rate 0 none', () => {
    fc.assert(
      fc.property(bits32, (bits) => {
        assert.ok(choosesTrace(ratioSampler(1), bits));
        assert.ok(!choosesTrace(ratioSampler(0), bits));
      }),
    );
  });

  it('at a higher rate chooses all that a lower rate chooses', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(rate, rate, bits32, (a, b, bits) => {
        if (choosesTrace(ratioSampler(Math.min(a, b)), bits))
          assert.ok(choosesTrace(ratioSampler(Math.max(a, b)), bits));
      }),
    );
  });

  it('chooses the share it is told of evenly spread ids', () => {
    // In the middle of a thousand equal steps: none lies at the threshold.
    const ids = Array.from({ length: 1000 }, (_, step) => Math.floor(((step + 0.5) * 2 ** 32) / 1000));
    for (const rate of [0.01, 0.25, 0.999])
      assert.equal(ids.filter((bits) => choosesTrace(ratioSampler(rate), bits)).length, rate * 1000);
  });

  it('follows the sampled flag of a parent, or decides by its trace id alone', () => {
    fc.assert(
      fc.property(bits32, fc.constantFrom(0, 1), (bits, flags) => {
        const parent = contextWith(bits, flags);
        assert.equal(choosesContinued(ratioSampler(0.5, true), parent, 0), flags === 1);
        assert.equal(choosesContinued(ratioSampler(0.5, false), parent, 0), choosesTrace(ratioSampler(0.5), bits));
      }),
    );
  });

  it('continues nothing where there is no context', () => {
    for (const followsParent of [true, false])
      assert.equal(choosesContinued(ratioSampler(1, followsParent), new Uint8Array(CONTEXT_BYTES), 0), false);
  });
});
