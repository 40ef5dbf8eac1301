import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LoadAverage } from './load-average.ts';

const START = 1_700_000_000_000;
const MINUTE_MS = 60_000;

describe('a load average', () => {
  it('begins at nothing', () => {
    assert.deepEqual(new LoadAverage(500, START).update(500, START), [0, 0, 0]);
    assert.deepEqual(new LoadAverage(500, START).update(500, START + 10_000), [0, 0, 0]);
  });

  it('comes to the rate that lasts, the shorter the window the sooner', () => {
    const load = new LoadAverage(0, START);
    let averages: readonly number[] = [];
    for (let minute = 1; minute <= 5; minute += 1)
      averages = [...load.update(minute * 120, START + minute * MINUTE_MS)];
    const [one, five, fifteen] = averages as [number, number, number];
    assert.ok(one > 119 && one < 120, `${one}`);
    // After its own length a window has seen 1 - 1/e of a rate.
    assert.ok(Math.abs(five - 120 * (1 - Math.exp(-1))) < 1e-6, `${five}`);
    assert.ok(fifteen > 0 && fifteen < five, `${fifteen}`);
  });

  it('goes down when nothing comes', () => {
    const load = new LoadAverage(0, START);
    const busy = [...load.update(600, START + MINUTE_MS)];
    const quiet = load.update(600, START + 2 * MINUTE_MS);
    for (const [index, average] of quiet.entries()) assert.ok(average < busy[index]!);
  });

  it('does not depend on how often a steady rate is looked at', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 30 }), (steps) => {
        const often = new LoadAverage(0, START);
        let at = START;
        let averages: readonly number[] = [];
        for (const step of steps) {
          at += step;
          averages = often.update(at - START, at);
        }
        const once = new LoadAverage(0, START).update(at - START, at);
        for (const [index, average] of averages.entries()) assert.ok(Math.abs(average - once[index]!) < 1e-3);
      }),
    );
  });
});
