import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TraceIds } from '../records/trace-ids.ts';
import { TraceHash } from './trace-hash.ts';
import { TraceIndex, TracePlaces } from './trace-index.ts';

const CAPACITY = 64;
const hash = new TraceHash(TraceIds.randomSeed());
const MAX = 8;
const trace = (number: number): Uint32Array => Uint32Array.of(number, number * 7, 0, 0);
type Which = 'all' | 'waiting';

function placesOf(index: TraceIndex, words: Uint32Array, which: Which = 'all'): number[][] {
  const found = new TracePlaces(MAX);
  index.find(words, found, which);
  return Array.from({ length: found.count }, (_, each) => [found.positions[each]!, found.units[each]!]);
}

describe('the index of traces', () => {
  it('finds all places of a trace, the newest first, and none of others', () => {
    const index = new TraceIndex(CAPACITY, hash);
    index.add(trace(1), 100, 0, false);
    index.add(trace(1 + CAPACITY), 200, 1, false);
    index.add(trace(1), 2 ** 40, 4095, false);
    assert.deepEqual(placesOf(index, trace(1)), [
      [2 ** 40, 4095],
      [100, 0],
    ]);
    assert.deepEqual(placesOf(index, trace(1 + CAPACITY)), [[200, 1]]);
    assert.deepEqual(placesOf(index, trace(2)), []);
  });

  it('tells those that have been handed on from those that wait', () => {
    const index = new TraceIndex(CAPACITY, hash);
    const found = new TracePlaces(MAX);
    index.add(trace(1), 2 ** 40, 4095, false);
    index.add(trace(1), 200, 0, true);
    index.add(trace(1), 300, 1, false);
    index.find(trace(1), found, 'waiting');
    assert.deepEqual(found.positions.slice(0, found.count), [300, 2 ** 40]);
    index.shown(found.nodes[1]!);
    assert.deepEqual(placesOf(index, trace(1), 'waiting'), [[300, 1]]);
    assert.equal(placesOf(index, trace(1)).length, 3);
    assert.deepEqual(placesOf(index, trace(1))[2], [2 ** 40, 4095]);
  });

  it('remembers the newest places, as many as it has room for', () => {
    const index = new TraceIndex(CAPACITY, hash);
    for (let number = 0; number < 10 * CAPACITY; number += 1) index.add(trace(number), number, 0, false);
    for (let number = 0; number < 10 * CAPACITY; number += 1)
      assert.deepEqual(placesOf(index, trace(number)), number >= 9 * CAPACITY ? [[number, 0]] : [], String(number));
  });

  it('looks at no more places of a trace than it is asked for', () => {
    const index = new TraceIndex(CAPACITY, hash);
    for (let number = 0; number < CAPACITY; number += 1) index.add(trace(1), number, 0, false);
    assert.deepEqual(
      placesOf(index, trace(1)).map(([position]) => position),
      Array.from({ length: MAX }, (_, each) => CAPACITY - 1 - each),
    );
  });
});
