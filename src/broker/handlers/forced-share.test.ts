import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from '../../base/token-bucket.ts';
import { ForcedShare } from './forced-share.ts';

const START = 1_700_000_000_000;
const PER_SECOND = 1000;

/** How many of so many attempts at the same time succeed. */
function takenOf(share: ForcedShare, attempts: number, now: number): number {
  let taken = 0;
  for (let attempt = 0; attempt < attempts; attempt += 1) if (share.take(now)) taken += 1;
  return taken;
}

describe('the share of a client', () => {
  it('is all there is over time, where nobody else asks', () => {
    const all = new TokenBucket(PER_SECOND, START);
    const share = new ForcedShare(all, PER_SECOND, START);
    let taken = 0;
    for (let ms = 0; ms < 10_000; ms += 10) taken += takenOf(share, 100, START + ms);
    assert.ok(taken >= 10_000 && taken <= 11_000, String(taken));
  });

  it('is there for each that asks for little, whatever one asks for', () => {
    const all = new TokenBucket(PER_SECOND, START);
    const greedy = new ForcedShare(all, PER_SECOND, START);
    const modest = Array.from({ length: 30 }, () => new ForcedShare(all, PER_SECOND, START));
    let taken = 0;
    for (let ms = 0; ms < 10_000; ms += 100) {
      taken += takenOf(greedy, 1000, START + ms);
      for (const share of modest) assert.equal(takenOf(share, 1, START + ms), 1);
    }
    assert.ok(taken <= 10 * (PER_SECOND - 300) + PER_SECOND, String(taken));
  });

  it('is one a second at least, and never more than the listener has', () => {
    const all = new TokenBucket(1, START);
    const [one, other] = [new ForcedShare(all, 1, START), new ForcedShare(all, 1, START)];
    assert.deepEqual([takenOf(one, 3, START), takenOf(other, 3, START)], [1, 0]);
    assert.equal(takenOf(other, 3, START + 1000), 1);
  });
});
