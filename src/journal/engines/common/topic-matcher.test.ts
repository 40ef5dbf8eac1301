import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TopicMatchers } from './topic-matcher.ts';

describe('topic matchers', () => {
  it('give the same answer however often and however many topics are asked', () => {
    const matcher = new TopicMatchers().for(['a/+', 'b'])!;
    for (let round = 0; round < 2; round += 1) {
      for (let number = 0; number < 3000; number += 1) assert.ok(matcher.matches(`a/${number}`));
      assert.ok(matcher.matches('b') && !matcher.matches('c'));
    }
  });

  it('are shared by equal filter lists, up to a number of lists', () => {
    const matchers = new TopicMatchers();
    const first = matchers.for(['a', 'b']);
    assert.equal(matchers.for(['a', 'b']), first);
    assert.notEqual(matchers.for(['a/b']), first);
    for (let number = 0; number < 100; number += 1) matchers.for([String(number)]);
    assert.notEqual(matchers.for(['a', 'b']), first);
    assert.equal(matchers.for(undefined), undefined);
  });
});
