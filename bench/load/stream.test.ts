import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stream } from './stream.ts';

describe('Stream', () => {
  it('completes a message when all subscribers have it', () => {
    const stream = new Stream(2, 4);
    assert.equal(stream.take(), 0);
    assert.equal(stream.settle(0), 0);
    assert.equal(stream.settle(0), 1);
  });

  it('completes in order: a message that all have waits for the one before it', () => {
    const stream = new Stream(1, 4);
    stream.take();
    stream.take();
    assert.equal(stream.settle(1), 0);
    assert.equal(stream.settle(0), 2);
  });

  it('goes round its window', () => {
    const stream = new Stream(1, 2);
    for (let round = 0; round < 10; round++) assert.equal(stream.settle(stream.take()), 1);
    assert.equal(stream.sent, 10);
  });
});
