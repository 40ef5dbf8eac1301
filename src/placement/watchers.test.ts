import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlacementChange } from './placement.ts';
import { Watchers } from './watchers.ts';

const deletion = (key: string, revision: number): PlacementChange => ({ type: 'delete', key, revision });

describe('watchers', () => {
  it('hear of the changes under their prefix, in order, until they stop', () => {
    const watchers = new Watchers();
    const heard: string[] = [];
    const stop = watchers.add('route/', ({ key, revision }) => heard.push(`${key}@${revision}`));
    watchers.publish([deletion('route/a', 1), deletion('session/a', 2), deletion('route/b', 3)]);
    stop();
    watchers.publish([deletion('route/c', 4)]);
    assert.deepEqual(heard, ['route/a@1', 'route/b@3']);
  });

  it('do not hear of what was published before they came', () => {
    const watchers = new Watchers();
    const heard: number[] = [];
    watchers.publish([deletion('a', 1)]);
    watchers.add('', () => watchers.add('', ({ revision }) => heard.push(revision)));
    watchers.publish([deletion('a', 2)]);
    assert.deepEqual(heard, []);
    watchers.publish([deletion('a', 3)]);
    assert.deepEqual(heard, [3]);
  });

  it('that throw take nothing from the others, and the error surfaces behind them', (test) => {
    const surfacing: (() => void)[] = [];
    test.mock.method(globalThis, 'queueMicrotask', (task: () => void) => surfacing.push(task));
    const watchers = new Watchers();
    const heard: number[] = [];
    watchers.add('', () => {
      throw new Error('a bug');
    });
    watchers.add('', ({ revision }) => heard.push(revision));
    watchers.publish([deletion('a', 1)]);
    assert.deepEqual(heard, [1]);
    assert.equal(surfacing.length, 1);
    assert.throws(surfacing[0]!, /a bug/);
  });

  it('are all gone once cleared', () => {
    const watchers = new Watchers();
    const heard: number[] = [];
    watchers.add('', ({ revision }) => heard.push(revision));
    watchers.clear();
    watchers.publish([deletion('a', 1)]);
    assert.deepEqual(heard, []);
  });
});
