import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from './random.ts';

function take(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

describe('Random', () => {
  it('gives the same sequence for the same seed, another for another', () => {
    assert.deepEqual(take(new Random([1, 2, 3, 4]), 20), take(new Random([1, 2, 3, 4]), 20));
    assert.notDeepEqual(take(new Random([1, 2, 3, 4]), 20), take(new Random([1, 2, 3, 5000]), 20));
    assert.notDeepEqual(take(Random.seeded(), 20), take(Random.seeded(), 20));
  });

  it('gives 32-bit integers in which each bit is set about half of the time', () => {
    const count = 20_000;
    const values = take(new Random([7, 7, 7, 7]), count);
    assert.ok(values.every((value) => value === (value | 0)));
    for (let bit = 0; bit < 32; bit += 1) {
      const share = values.filter((value) => (value >>> bit) & 1).length / count;
      assert.ok(Math.abs(share - 0.5) < 0.02, `bit ${bit}: ${share}`);
    }
  });
});
