import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FROM_RETAINED } from '../session/inflight-window.ts';
import { isOfGroup, isOfOwn, numberOfGroup, numberOfOwn } from './subscription-number.ts';

describe('the number of a subscription', () => {
  it('says what it is of, and fits in four bytes', () => {
    fc.assert(
      fc.property(fc.string(), (filter) => {
        const [group, own] = [numberOfGroup(filter), numberOfOwn(filter)];
        assert.deepEqual([isOfGroup(group), isOfOwn(group)], [true, false]);
        assert.deepEqual([isOfGroup(own), isOfOwn(own)], [false, true]);
        assert.equal(own >>> 0, own);
      }),
    );
    for (const neither of [0, FROM_RETAINED])
      assert.deepEqual([isOfGroup(neither), isOfOwn(neither)], [false, false], `${neither}`);
  });

  it('is the same in every run: sessions are stored with it', () => {
    assert.deepEqual([numberOfGroup('$share/g/a/+'), numberOfOwn('a/+')], [510_894_360, 4_052_615_895]);
  });
});
