import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeMessageExpiry, writeUserProperty } from './forwarded-properties.ts';
import { combinedUserProperty } from './user-property.ts';

const NAME = Buffer.from('state');

/** What is found among these user properties, behind another property. */
function found(properties: readonly (readonly [string, string])[], maxBytes = 100): string {
  const block = Buffer.alloc(70_000);
  let at = writeMessageExpiry(block, 0, 60);
  for (const [name, value] of properties) at = writeUserProperty(block, at, Buffer.from(name), Buffer.from(value));
  return combinedUserProperty(block, 0, at, NAME, maxBytes);
}

describe('a user property, looked for by its name', () => {
  it('is found by its whole name alone', () => {
    assert.equal(
      found([
        ['a', 'state'],
        ['state', 'ü=1'],
        ['States', 'x'],
        ['stat', 'y'],
      ]),
      'ü=1',
    );
    assert.equal(found([['other', 'x']]), '');
    assert.equal(found([]), '');
  });

  it('that is there several times is one list, in order', () => {
    assert.equal(
      found([
        ['state', 'a=1'],
        ['x', 'y'],
        ['state', ''],
        ['state', 'b=2'],
      ]),
      'a=1,,b=2',
    );
  });

  it('is none where it is longer than anybody would read, in one piece or in many', () => {
    assert.equal(found([['state', 'x'.repeat(65_535)]]), '');
    assert.equal(found(Array.from({ length: 200 }, () => ['state', ''] as const)), '');
    assert.equal(found([['state', 'x'.repeat(100)]]), 'x'.repeat(100));
    assert.equal(found([['state', 'x'.repeat(101)]]), '');
  });
});
