import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { changesOf, planCommit } from './commit-plan.ts';
import type { PlacementWrite } from './placement.ts';

const value = new Uint8Array([1]);
const absent = () => 0;

describe('a group of writes', () => {
  it('gives each write that goes through the next revision', () => {
    const plan = planCommit(
      [
        { type: 'put', key: 'a', value },
        { type: 'delete', key: 'b' },
      ],
      7,
      absent,
    );
    assert.deepEqual(plan.outcomes, [
      { type: 'written', revision: 8 },
      { type: 'written', revision: 9 },
    ]);
    assert.equal(plan.revision, 9);
  });

  it('fails a write whose condition does not hold, alone, and says what holds', () => {
    const plan = planCommit(
      [
        { type: 'put', key: 'a', value, ifRevision: 4 },
        { type: 'put', key: 'b', value, ifRevision: 0 },
      ],
      7,
      (key) => (key === 'a' ? 5 : 0),
    );
    assert.deepEqual(plan.outcomes, [
      { type: 'conflict', revision: 5 },
      { type: 'written', revision: 8 },
    ]);
    assert.deepEqual(plan.changes, [{ type: 'put', key: 'b', value, revision: 8 }]);
  });

  it('lets each write see those before it, deletions too', () => {
    const plan = planCommit(
      [
        { type: 'put', key: 'a', value, ifRevision: 0 },
        { type: 'put', key: 'a', value, ifRevision: 8 },
        { type: 'delete', key: 'a', ifRevision: 9 },
        { type: 'put', key: 'a', value, ifRevision: 9 },
        { type: 'put', key: 'a', value, ifRevision: 0 },
      ],
      7,
      absent,
    );
    assert.deepEqual(
      plan.outcomes.map(({ type, revision }) => [type, revision]),
      [
        ['written', 8],
        ['written', 9],
        ['written', 10],
        ['conflict', 0],
        ['written', 11],
      ],
    );
  });

  it('tells the watchers the same, whether from the plan or from its outcomes', () => {
    const write: fc.Arbitrary<PlacementWrite> = fc
      .record({
        type: fc.constantFrom('put' as const, 'delete' as const),
        key: fc.constantFrom('a', 'b'),
        ifRevision: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
      })
      .map(({ type, key, ifRevision }) => {
        const condition = ifRevision === undefined ? {} : { ifRevision };
        return type === 'put' ? { type, key, value, ...condition } : { type, key, ...condition };
      });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 12 }), (writes) => {
        const plan = planCommit(writes, 2, absent);
        assert.deepEqual(changesOf(writes, plan.outcomes), plan.changes);
        assert.equal(plan.outcomes.length, writes.length);
        assert.equal(plan.revision, 2 + plan.changes.length);
      }),
    );
  });
});
