import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OneAtATime } from './one-at-a-time.ts';

/** Work that ends when it is told to. */
function heldWork() {
  const running: (() => void)[] = [];
  let begun = 0;
  const work = new OneAtATime(() => {
    begun += 1;
    return new Promise((resolve) => running.push(resolve));
  });
  return {
    work,
    begun: () => begun,
    async endOne() {
      running.shift()!();
      await nextTurn();
    },
  };
}

describe('work that is done one at a time', () => {
  test('begins at once, and again when it is asked for after its end', async () => {
    const { work, begun, endOne } = heldWork();
    work.request();
    assert.equal(begun(), 1);
    await endOne();
    assert.equal(begun(), 1);
    work.request();
    assert.equal(begun(), 2);
    await endOne();
  });

  test('is done once more, however often it is asked for meanwhile', async () => {
    const { work, begun, endOne } = heldWork();
    for (let request = 0; request < 100; request += 1) work.request();
    assert.equal(begun(), 1);
    await endOne();
    assert.equal(begun(), 2);
    await endOne();
    assert.equal(begun(), 2);
  });

  test('is not done again once that is over', async () => {
    const { work, begun, endOne } = heldWork();
    work.request();
    work.request();
    work.close();
    await endOne();
    assert.equal(begun(), 1);
  });
});
