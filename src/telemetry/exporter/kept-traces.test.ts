import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slice } from '../records/expand/record-source.ts';
import { TraceIds } from '../records/trace-ids.ts';
import { KeptTraces } from './kept-traces.ts';
import { TraceHash } from './trace-hash.ts';

const CAPACITY = 64;
const hash = new TraceHash(TraceIds.randomSeed());

function reasonOf(kept: KeptTraces, trace: Uint32Array): number {
  const handle = kept.find(trace);
  return handle < 0 ? 0 : kept.reason(handle);
}

describe('the traces that were kept', () => {
  it('are known by their whole id, with the reason and the state they were kept with', () => {
    const kept = new KeptTraces(CAPACITY, hash);
    const state = { bytes: Buffer.from('ot=th:8'), start: 0, end: 7 };
    const trace = Uint32Array.of(1, 2, 3, 4);
    kept.add(trace, 3, state);
    assert.equal(reasonOf(kept, trace), 3);
    assert.equal(kept.state(kept.find(trace)), state);
    for (let word = 0; word < 4; word += 1) {
      const other = trace.slice();
      other[word]! += 1;
      assert.equal(kept.find(other), -1, `word ${word}`);
    }
  });

  it('have states of their own, or share one, as many as there are', () => {
    const kept = new KeptTraces(CAPACITY, hash);
    const states = Array.from({ length: 600 }, (_, number) => slice(`ot=th:${number}`));
    const traces = states.map((_, number) => Uint32Array.of(number + 1, 2, 3, 4));
    for (const [number, trace] of traces.entries()) {
      kept.add(trace, 1, states[number]!, number % 2 === 0);
      kept.add(Uint32Array.of(number + 1, 9, 9, 9), 1, states[number]!, number % 2 === 0);
    }
    const found = traces.filter((trace) => kept.find(trace) >= 0);
    assert.ok(found.length > 0);
    for (const trace of found) assert.equal(kept.state(kept.find(trace)), states[trace[0]! - 1]);
  });

  it('are forgotten for newer ones, the oldest of a set first', () => {
    const kept = new KeptTraces(8, hash);
    for (let number = 1; number <= 10; number += 1) kept.add(Uint32Array.of(number, 0, 0, 7), 1);
    for (let number = 1; number <= 10; number += 1)
      assert.equal(reasonOf(kept, Uint32Array.of(number, 0, 0, 7)), number > 2 ? 1 : 0);
  });

  it('are followed by as many parts as one message may have, and no more', () => {
    const kept = new KeptTraces(CAPACITY, hash);
    const trace = Uint32Array.of(1, 2, 3, 4);
    kept.add(trace, 1);
    for (let part = 0; part < 1024; part += 1) assert.ok(kept.follow(kept.find(trace)));
    assert.equal(kept.follow(kept.find(trace)), false);
    assert.equal(reasonOf(kept, trace), 1);
  });
});
