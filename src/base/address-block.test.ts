import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressBlock } from './address-block.ts';

describe('an address block', () => {
  const cases: readonly (readonly [block: string, inside: readonly string[], outside: readonly string[]])[] = [
    ['10.0.0.0/8', ['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3'], ['11.0.0.1', '::1', 'nonsense', '']],
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.8']],
    ['2001:db8::/32', ['2001:db8::1', '2001:DB8:0:1::'], ['2001:db9::1', '10.0.0.1']],
    ['fe80::/10', ['fe80::1%eth0'], ['::1%eth0']],
    ['0.0.0.0/0', ['255.0.0.1'], ['::1']],
  ];
  for (const [block, inside, outside] of cases)
    it(`${block} holds its own and nothing else`, () => {
      const matches = addressBlock(block);
      for (const address of inside) assert.ok(matches?.(address), address);
      for (const address of outside) assert.equal(matches?.(address), false, address);
    });

  it('is not just anything', () => {
    for (const block of [
      '',
      'localhost',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0/8',
      '::/129',
      '10.0.0.0/8/9',
      'fe80::1%a',
    ])
      assert.equal(addressBlock(block), undefined, block);
  });
});
