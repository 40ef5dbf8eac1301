import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchMemory } from './batch-memory.ts';

describe('BatchMemory', () => {
  it('gives the memory of a batch that has left to the next, whatever their sizes', () => {
    const memory = new BatchMemory(1000);
    const first = memory.take(900);
    assert.equal(first.length, 900);
    memory.giveBack(first);
    const second = memory.take(1000);
    assert.equal(second.length, 1000);
    assert.equal(second.buffer, first.buffer);
    assert.notEqual(memory.take(1).buffer, first.buffer);
  });

  it('keeps neither what is too large nor more than a few', () => {
    const memory = new BatchMemory(1000);
    const large = memory.take(1001);
    memory.giveBack(large);
    assert.notEqual(memory.take(1000).buffer, large.buffer);
    const many = Array.from({ length: 10 }, () => memory.take(1));
    for (const each of many) memory.giveBack(each);
    const again = new Set(Array.from({ length: 10 }, () => memory.take(1).buffer));
    assert.equal(many.filter(({ buffer }) => again.has(buffer)).length, 8);
  });
});
