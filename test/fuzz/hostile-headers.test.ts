import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Chance } from '../chaos/support/chance.ts';
import { hostileHeaders } from './hostile-headers.ts';

const LONGEST_BYTES = 65_535;

describe('hostile headers', () => {
  it('are as long as a property can be, and no longer', () => {
    const chance = new Chance(1934920606);
    let longest = 0;
    for (let round = 0; round < 20_000; round += 1)
      for (const [, value] of hostileHeaders(chance)) longest = Math.max(longest, Buffer.byteLength(value));
    assert.equal(longest, LONGEST_BYTES);
  });
});
