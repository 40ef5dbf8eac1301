import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NewestPlaces } from './newest-places.ts';

describe('the newest places', () => {
  it('are those added last, as many as there may be, the newest first', () => {
    const trace = Uint32Array.of(1, 2, 3, 4);
    for (const [count, expected] of [
      [0, []],
      [2, [1, 0]],
      [3, [2, 1, 0]],
      [4, [3, 2, 1]],
      [8, [7, 6, 5]],
    ] as const) {
      const places = new NewestPlaces(3);
      for (let position = 0; position < count; position += 1) places.add(position, 0, trace);
      assert.deepEqual(
        places.newestFirst.map(({ position }) => position),
        expected,
      );
    }
  });
});
