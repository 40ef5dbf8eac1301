import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startHeadTicks } from './head-ticks.ts';

describe('the ticks of the head sampler', () => {
  it('say how much time has gone by since the one before, until they are ended', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let now = 5000;
    const told: number[] = [];
    const end = startHeadTicks({ tick: (elapsedMs) => told.push(elapsedMs) }, { now: () => now });
    for (const later of [1001, 1500]) {
      now += later;
      t.mock.timers.tick(1000);
    }
    end();
    t.mock.timers.tick(5000);
    assert.deepEqual(told, [1001, 1500]);
  });
});
