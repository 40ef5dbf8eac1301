import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decidingBits } from './deciding-bits.ts';
import { SEED_WORDS, TraceIds } from './trace-ids.ts';

const SEED = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0);
const NUMBERS = 1_000_000;

/** Identity of a number: trace id (4 words) and span id (2). */
function identityOf(ids: TraceIds, n: number): number[] {
  const words = new Uint32Array(6);
  ids.write(n, words, 0);
  return [...words];
}

describe('identities', () => {
  it('are given out by number, and found again by it', () => {
    const ids = new TraceIds(SEED);
    const taken = new Uint32Array(12);
    ids.take(taken, 0);
    ids.take(taken, 6);
    assert.equal(ids.next, 2);
    const other = new TraceIds(SEED);
    assert.deepEqual([...taken], [...identityOf(other, 0), ...identityOf(other, 1)]);
  });

  it('share nothing, not even a word, over a million numbers, and no span id is zero', () => {
    const ids = new TraceIds(SEED);
    const words = new Uint32Array(6);
    const firsts = new Uint32Array(NUMBERS);
    const spans = new Uint32Array(NUMBERS);
    for (let n = 0; n < NUMBERS; n += 1) {
      ids.write(n, words, 0);
      firsts[n] = words[0]!;
      spans[n] = words[4]!;
      // The last byte of a span id is the stage, which is never 0 (W3C Trace Context, section 3.2.2.4).
      if (words[5]! >>> 24 !== 1) assert.fail(`span id of ${n}`);
    }
    for (const column of [firsts, spans]) {
      column.sort();
      for (let index = 1; index < NUMBERS; index += 1)
        if (column[index] === column[index - 1]) assert.fail('an id twice');
    }
  });

  it('are other ones beyond every 2^32 numbers, and go on across that border', () => {
    const ids = new TraceIds(SEED);
    const before = identityOf(ids, 5);
    const after = identityOf(ids, 2 ** 32 + 5);
    for (let word = 0; word < 6; word += 1) assert.notEqual(before[word], after[word]);
    assert.notDeepEqual(identityOf(ids, 2 ** 33 + 5), after);
    // Back and forth, as records of runs are read.
    assert.deepEqual(identityOf(ids, 5), before);
    ids.next = 2 ** 32 - 1;
    const taken = new Uint32Array(12);
    ids.take(taken, 0);
    ids.take(taken, 6);
    assert.deepEqual([...taken], [...identityOf(ids, 2 ** 32 - 1), ...identityOf(ids, 2 ** 32)]);
  });

  it('have deciding bits that are known without them', () => {
    const ids = new TraceIds(TraceIds.randomSeed());
    const words = new Uint32Array(6);
    for (const n of [0, 1, 77, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3]) {
      ids.write(n, words, 0);
      assert.equal(ids.decidingBitsOf(n), decidingBits(words, 0));
    }
  });

  it('are found by the threshold that their deciding bits reach', () => {
    const ids = new TraceIds(TraceIds.randomSeed());
    const found: number[] = [];
    for (const first of [0, 2 ** 32 - 500])
      for (const threshold of [0, 1, 2 ** 31, 0xfd70_0000, 0xffff_ff00, 2 ** 32]) {
        const numbers = Array.from({ length: 1000 }, (_, index) => index);
        ids.reaching(threshold, first, numbers.length, found);
        assert.deepEqual(
          found,
          numbers.filter((index) => ids.decidingBitsOf(first + index) >= threshold),
        );
      }
  });

  it('differ from seed to seed in every word', () => {
    const [a, b] = [TraceIds.randomSeed(), TraceIds.randomSeed()];
    assert.equal(a.length, SEED_WORDS);
    assert.notDeepEqual(a, b);
  });

  it('give a span id of its own to a span of a trace that is there already', () => {
    const ids = new TraceIds(SEED);
    const span = new Uint32Array(2);
    ids.take(new Uint32Array(6), 0);
    ids.takeSpanId(span, 0);
    assert.deepEqual([...span], identityOf(new TraceIds(SEED), 1).slice(4));
    assert.equal(ids.next, 2);
  });

  it('have bits that are set as often as not, whatever their neighbour is', () => {
    const ids = new TraceIds(SEED);
    const words = new Uint32Array(6);
    // Of each of the sixteen bytes of the trace id, how often it has each value.
    const counts = Array.from({ length: 16 }, () => new Float64Array(256));
    const bytes = new Uint8Array(words.buffer);
    const samples = 256 * 1024;
    for (let n = 0; n < samples; n += 1) {
      ids.write(n, words, 0);
      for (let byte = 0; byte < 16; byte += 1) counts[byte]![bytes[byte]!]! += 1;
    }
    const expected = samples / 256;
    for (const [byte, column] of counts.entries()) {
      const chiSquare = column.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 255 degrees of freedom: below 330.5 in 999 of 1000 cases; a bijection is rather more even than chance.
      assert.ok(chiSquare < 330.5, `byte ${byte}: ${chiSquare}`);
    }
  });
});
