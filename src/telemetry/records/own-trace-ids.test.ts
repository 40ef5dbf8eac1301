import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OwnTraceIds } from './own-trace-ids.ts';
import { mix, TraceIds, unmix } from './trace-ids.ts';

const EPOCH = 2 ** 32;
const seed = TraceIds.randomSeed();

function traceOf(n: number, ids = new TraceIds(seed)): Uint32Array {
  const words = new Uint32Array(6);
  ids.write(n, words, 0);
  return words.subarray(0, 4);
}

describe('trace ids of this process', () => {
  it('are known again, with their numbers', () => {
    const own = new OwnTraceIds(seed);
    for (const n of [0, 1, 77, 2 ** 31, EPOCH - 1]) {
      assert.ok(own.has(traceOf(n)), String(n));
      assert.equal(own.number >>> 0, n);
    }
  });

  it('are told from those of others by each of their words', () => {
    const own = new OwnTraceIds(seed);
    for (let word = 0; word < 4; word += 1) {
      const other = traceOf(77);
      other[word]! ^= 1;
      assert.equal(own.has(other), false, `word ${word}`);
    }
    assert.equal(own.has(new Uint32Array(4)), false);
    assert.equal(own.has(traceOf(77, new TraceIds(TraceIds.randomSeed()))), false);
  });

  it('are followed from one epoch into the next, where those of the one before are still known', () => {
    const own = new OwnTraceIds(seed);
    for (let epoch = 1; epoch < 4; epoch += 1) {
      assert.ok(own.has(traceOf(epoch * EPOCH + 5)), `epoch ${epoch}`);
      assert.equal(own.number, 5);
      assert.ok(own.has(traceOf(epoch * EPOCH - 1)), `before epoch ${epoch}`);
      assert.equal(own.number, -1);
    }
    assert.equal(own.has(traceOf(EPOCH)), false);
    assert.equal(own.has(traceOf(9 * EPOCH)), false);
  });

  it('have numbers because what mixes them can be undone', () => {
    for (let value = 1; value !== 0; value = (value << 1) | 0) {
      assert.equal(unmix(mix(value)), value);
      assert.equal(mix(unmix(value)), value);
    }
  });
});
