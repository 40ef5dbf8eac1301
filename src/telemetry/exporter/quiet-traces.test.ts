import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuietTraces } from './quiet-traces.ts';

describe('QuietTraces', () => {
  it('gives a trace once, when no span has come for the quiet time', () => {
    const traces = new QuietTraces(300, 10);
    traces.spanEnded('one', 1000);
    traces.spanEnded('one', 1200);
    assert.deepEqual(traces.take(1499, 10), []);
    assert.deepEqual(traces.take(1500, 10), ['one']);
    assert.deepEqual(traces.take(9999, 10), []);
  });

  it('gives it again after a late span', () => {
    const traces = new QuietTraces(300, 10);
    traces.spanEnded('one', 1000);
    assert.deepEqual(traces.take(1300, 10), ['one']);
    traces.spanEnded('one', 90_000);
    assert.deepEqual(traces.take(90_300, 10), ['one']);
  });

  it('gives those first that have been quiet longest, and no more than asked for', () => {
    const traces = new QuietTraces(300, 10);
    traces.spanEnded('one', 1000);
    traces.spanEnded('two', 1001);
    traces.spanEnded('one', 1002);
    assert.deepEqual(traces.take(2000, 1), ['two']);
    assert.deepEqual(traces.take(2000, 1), ['one']);
  });

  it('holds so many and counts those it gave up', () => {
    const traces = new QuietTraces(300, 2);
    for (const traceId of ['one', 'two', 'three', 'four']) traces.spanEnded(traceId, 1000);
    assert.equal(traces.takeSkipped(), 2);
    assert.equal(traces.takeSkipped(), 0);
    assert.deepEqual(traces.take(2000, 10), ['three', 'four']);
  });
});
