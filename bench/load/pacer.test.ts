import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchOf, Pacer } from './pacer.ts';

const rate = { perSecond: 100_000, batchIntervalMs: 4 };

describe('Pacer', () => {
  it('publishes batch after batch as they fall due, and late ones with the time they were due', () => {
    const published: [messages: number, dueAt: number][] = [];
    let now = 1000;
    const pacer = new Pacer(rate, [{ publish: (messages, dueAt) => published.push([messages, dueAt]) }], () => now);
    pacer.publishDue();
    now += 3.9;
    pacer.publishDue();
    assert.deepEqual(published, [[400, 1000]]);
    now += 8.2;
    pacer.publishDue();
    assert.deepEqual(published.slice(1), [
      [400, 1004],
      [400, 1008],
      [400, 1012],
    ]);
  });

  it('shares a batch among the publishers, evenly or not at all', () => {
    assert.equal(batchOf(rate, 10), 40);
    assert.throws(() => batchOf(rate, 3), /133.3\d* is no number of messages/);
  });
});
