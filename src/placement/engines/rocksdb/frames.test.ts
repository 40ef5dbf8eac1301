import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { PlacementWrite } from '../../placement.ts';
import { packFrames, packOutcomes, packWrites, unpackFrames, unpackOutcomes, unpackWrites } from './frames.ts';

const value = fc.uint8Array({ maxLength: 50 });
const key = fc.string({ unit: 'grapheme', minLength: 1 });
const ifRevision = fc.option(fc.nat(), { nil: undefined });
const write: fc.Arbitrary<PlacementWrite> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('delete' as const), key }, { noNullPrototype: true }),
);

it('frames come back as they were', () => {
  fc.assert(
    fc.property(fc.array(value), (frames) => {
      assert.deepEqual(
        unpackFrames(packFrames(frames)).map((frame) => new Uint8Array(frame)),
        frames,
      );
    }),
  );
});

it('writes come back as they were, with and without a condition', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(write, ifRevision)), (pairs) => {
      const writes = pairs.map(([write, ifRevision]) => (ifRevision === undefined ? write : { ...write, ifRevision }));
      const back = unpackWrites(packWrites(writes)).map((write) =>
        write.type === 'put' ? { ...write, value: new Uint8Array(write.value) } : write,
      );
      assert.deepEqual(back, writes);
    }),
  );
});

it('outcomes come back as they were', () => {
  const outcome = fc.record(
    { type: fc.constantFrom('written' as const, 'conflict' as const), revision: fc.maxSafeNat() },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      assert.deepEqual(unpackOutcomes(packOutcomes(outcomes)), outcomes);
    }),
  );
});
