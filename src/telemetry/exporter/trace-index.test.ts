import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TraceIndex } from './trace-index.ts';

const CAPACITY = 64;
const trace = (number: number): Uint32Array => Uint32Array.of(number, number * 7, 0, 0);
const placesOf = (index: TraceIndex, words: Uint32Array): (readonly [number, number])[] => {
  const places: (readonly [number, number])[] = [];
  index.each(words, (position, unit) => places.push([position, unit]));
  return places;
};

describe('the index of traces', () => {
  it('finds all places of a trace, the newest first, and none of others in the same bucket', () => {
    const index = new TraceIndex(CAPACITY);
    index.add(trace(1), 100, 0);
    index.add(trace(1 + CAPACITY), 200, 1);
    index.add(trace(1), 2 ** 40, 4095);
    assert.deepEqual(placesOf(index, trace(1)), [
      [2 ** 40, 4095],
      [100, 0],
    ]);
    assert.deepEqual(placesOf(index, trace(1 + CAPACITY)), [[200, 1]]);
    assert.deepEqual(placesOf(index, trace(2)), []);
  });

  it('remembers the newest places, as many as it has room for', () => {
    const index = new TraceIndex(CAPACITY);
    for (let number = 0; number < 10 * CAPACITY; number += 1) index.add(trace(number), number, 0);
    for (let number = 0; number < 10 * CAPACITY; number += 1) {
      // The node that is written next is as good as forgotten.
      const isKept = number > 9 * CAPACITY;
      if (number !== 9 * CAPACITY)
        assert.deepEqual(placesOf(index, trace(number)), isKept ? [[number, 0]] : [], String(number));
    }
  });
});
