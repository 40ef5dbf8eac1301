import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from '../metrics.ts';
import { STAGES } from '../stage.ts';
import { observationsOf } from '../testing/observations.ts';
import { recordDirect, recordStored } from './entry-stages.ts';
import { ENTRY, EntryBatch, MessageEntry, SHAPE, SHAPE_SHIFT, type Shape } from './message-entry.ts';

/** Messages as `[shape, received at, admitted at]`. */
function batchOf(...messages: readonly (readonly [Shape, number, number])[]): EntryBatch {
  const batch = new EntryBatch();
  for (const [shape, receivedAt, admittedAt] of messages) {
    const entry = new MessageEntry();
    entry.u32[ENTRY.flags] = shape << SHAPE_SHIFT;
    entry.f64[ENTRY.receivedAt] = receivedAt;
    entry.f64[ENTRY.admittedAt] = admittedAt;
    batch.append(entry);
  }
  return batch;
}

describe('the stages of messages', () => {
  it('are observed once for those that were admitted together, and apart for others', () => {
    const metrics = new Metrics();
    const calls: number[] = [];
    const observe = metrics.observe.bind(metrics);
    metrics.observe = (histogram, value, count = 1) => {
      calls.push(count);
      observe(histogram, value, count);
    };
    recordStored(metrics, batchOf([SHAPE.stored, 0, 10], [SHAPE.stored, 0, 10], [SHAPE.stored, 0, 990]), 1000);
    assert.deepEqual(calls, [2, 1]);
    assert.equal(observationsOf(metrics, STAGES.store), 3);
    assert.equal(observationsOf(metrics, STAGES.store, 0.5), 2);
  });

  it('leave out what was not taken', () => {
    const metrics = new Metrics();
    recordDirect(
      metrics,
      batchOf([SHAPE.direct, 0, 900], [SHAPE.refused, 0, 0], [SHAPE.direct, 0, 100], [SHAPE.repeated, 0, 0]),
      1000,
    );
    assert.equal(observationsOf(metrics, STAGES.admit), 2);
    assert.equal(observationsOf(metrics, STAGES.admit, 0.5), 1);
    assert.equal(observationsOf(metrics, STAGES.push), 2);
    assert.equal(observationsOf(metrics, STAGES.push, 0.5), 1);
  });
});
