import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Followers } from './followers.ts';

describe('followers', () => {
  it('are told until they stop, each by itself though they share a callback', () => {
    const ends: number[] = [];
    const onCommit = (end: number) => void ends.push(end);
    const followers = new Followers();
    const stop = followers.add(onCommit);
    followers.add(onCommit);
    followers.notify(1);
    stop();
    followers.notify(2);
    followers.clear();
    followers.notify(3);
    assert.deepEqual(ends, [1, 1, 2]);
  });

  it('may stop and start while they are being told', () => {
    const followers = new Followers();
    const told: string[] = [];
    const stop = followers.add(() => {
      stop();
      told.push('once');
    });
    followers.add(() => void told.push('always'));
    followers.notify(1);
    followers.notify(2);
    assert.deepEqual(told, ['once', 'always', 'always']);
  });
});
