import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turn } from './turn.ts';

describe('a turn', () => {
  it('ends by itself, after everything that the event loop had at hand', async () => {
    const turn = new Turn();
    const log: string[] = [];
    turn.add({ endTurn: () => log.push('first') });
    turn.add({ endTurn: () => log.push('second') });
    queueMicrotask(() => log.push('at hand'));
    await nextTurn();
    assert.deepEqual(log, ['at hand', 'first', 'second']);
  });

  it('calls a task once for each time it was added', async () => {
    const turn = new Turn();
    let calls = 0;
    turn.add({ endTurn: () => (calls += 1) });
    turn.end();
    await nextTurn();
    assert.equal(calls, 1);
  });

  it('leaves what is added while it ends to the next turn', async () => {
    const turn = new Turn();
    const log: string[] = [];
    turn.add({
      endTurn: () => {
        log.push('outer');
        turn.add({ endTurn: () => log.push('inner') });
      },
    });
    turn.end();
    assert.deepEqual(log, ['outer']);
    await nextTurn();
    await nextTurn();
    assert.deepEqual(log, ['outer', 'inner']);
  });
});
