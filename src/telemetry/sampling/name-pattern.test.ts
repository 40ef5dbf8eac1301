import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { namePattern } from './name-pattern.ts';

describe('a pattern of names', () => {
  it('without a star is that name alone', () => {
    assert.ok(namePattern('meter-7')('meter-7'));
    for (const name of ['meter-70', 'meter-', '', 'METER-7']) assert.equal(namePattern('meter-7')(name), false, name);
  });

  it('with stars says what a regular expression with .* in their place says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(text, name, (pattern, candidate) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(candidate);
        assert.equal(namePattern(pattern)(candidate), expected, `${pattern} ${candidate}`);
      }),
      { numRuns: 2000 },
    );
  });
});
