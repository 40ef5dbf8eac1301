import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { assertKey, compareKeys } from './key-order.ts';

it('keys are in the order of their UTF-8 bytes', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}') });
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

it('a key without a UTF-8 form is a bug', () => {
  assert.throws(() => assertKey('\ud800'));
  assert.throws(() => assertKey(''));
  assertKey('session/\u{1f600}');
});
