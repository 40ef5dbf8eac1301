import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptTraces } from './kept-traces.ts';

const CAPACITY = 64;
const SETS = CAPACITY / 8;
/** All of one set: it is chosen by the words 0 and 2. */
const inOneSet = (number: number): Uint32Array => Uint32Array.of(SETS * number, number, 0, 7);

describe('the traces that were kept', () => {
  it('are known by their whole id, with the reason and the state they were kept with', () => {
    const kept = new KeptTraces(CAPACITY);
    const state = { bytes: Buffer.from('ot=th:8'), start: 0, end: 7 };
    kept.add(Uint32Array.of(1, 2, 3, 4), 3, state);
    assert.equal(kept.reason(Uint32Array.of(1, 2, 3, 4)), 3);
    assert.equal(kept.state(Uint32Array.of(1, 2, 3, 4)), state);
    for (let word = 0; word < 4; word += 1) {
      const other = Uint32Array.of(1, 2, 3, 4);
      other[word]! += SETS;
      assert.equal(kept.reason(other), 0, `word ${word}`);
      assert.equal(kept.state(other), undefined);
    }
  });

  it('are forgotten for newer ones, the oldest of a set first', () => {
    const kept = new KeptTraces(CAPACITY);
    for (let number = 1; number <= 10; number += 1) kept.add(inOneSet(number), 1);
    for (let number = 1; number <= 10; number += 1) assert.equal(kept.reason(inOneSet(number)), number > 2 ? 1 : 0);
  });
});
