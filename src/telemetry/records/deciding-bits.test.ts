import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { thresholdOfRate } from '../sampling/probability.ts';
import { contextWord, decidingBits } from './deciding-bits.ts';
import { TraceIds } from './trace-ids.ts';

const wordsOf = (hex: string) => new Uint32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);

describe('the bits of a trace id by which the head decides', () => {
  it('are its bytes 9 to 12, the first of the 56 random bits', () => {
    assert.equal(decidingBits(wordsOf(`${'00'.repeat(9)}81020384${'00'.repeat(3)}`), 0), 0x81020384);
    assert.equal(decidingBits(wordsOf(`${'ff'.repeat(9)}00000000${'ff'.repeat(3)}`), 0), 0);
  });

  it('are even enough in the ids given out here that as many reach a threshold as its rate says', () => {
    const ids = new TraceIds(Uint32Array.of(1, 2, 3, 4, 5, 6));
    const words = new Uint32Array(6);
    for (const rate of [0.01, 0.25, 0.9]) {
      let chosen = 0;
      for (let n = 0; n < 100_000; n += 1) {
        ids.write(n, words, 0);
        if (decidingBits(words, 0) >= thresholdOfRate(rate)) chosen += 1;
      }
      // Four standard deviations.
      assert.ok(Math.abs(chosen - rate * 100_000) < 4 * Math.sqrt(100_000 * rate * (1 - rate)), `${chosen} at ${rate}`);
    }
  });
});

describe('a word of a context', () => {
  it('is four of its bytes as they lie in memory, wherever they begin', () => {
    const bytes = Uint8Array.of(9, 1, 2, 3, 0xff, 9);
    assert.equal(contextWord(bytes, 1) >>> 0, new Uint32Array(bytes.slice(1, 5).buffer)[0]);
  });
});
