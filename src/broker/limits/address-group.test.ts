import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressGroup } from './address-group.ts';

/** All eight groups written out, with or without leading zeros, or with one run of zeros as `::`. */
function spellings(groups: readonly number[]): string[] {
  const short = groups.map((group) => group.toString(16));
  const spelled = [short.join(':'), short.map((group) => group.padStart(4, '0').toUpperCase()).join(':')];
  for (let from = 0; from < groups.length; from += 1)
    for (let to = from + 1; to <= groups.length && groups[to - 1] === 0; to += 1)
      spelled.push(`${short.slice(0, from).join(':')}::${short.slice(to).join(':')}`);
  return spelled;
}

describe('an address, where connections are counted by it', () => {
  it('is an IPv4 address as it is', () => {
    assert.equal(addressGroup('192.0.2.1'), '192.0.2.1');
    assert.notEqual(addressGroup('192.0.2.1'), addressGroup('192.0.2.2'));
  });

  it('is the IPv4 address that an IPv6 socket sees as a mapped one', () => {
    assert.equal(addressGroup('::ffff:192.0.2.1'), '192.0.2.1');
  });

  it('is the network of an IPv6 address', () => {
    assert.equal(addressGroup('2001:db8:0:1::42'), '2001:db8:0:1::/64');
    assert.equal(addressGroup('2001:db8:0:1:ffff:0:0:1'), '2001:db8:0:1::/64');
    assert.equal(addressGroup('::1'), '0:0:0:0::/64');
    assert.equal(addressGroup('::'), '0:0:0:0::/64');
    assert.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(addressGroup('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64');
    assert.equal(addressGroup('1:2:3:4:5:6:192.0.2.1'), '1:2:3:4::/64');
  });

  it('is the same for two IPv6 addresses exactly if their first 64 bits are, however they are written', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    const network = fc.tuple(group, group, group, group);
    fc.assert(
      fc.property(network, network, network, network, (left, leftHost, right, rightHost) => {
        const same = left.every((value, index) => value === right[index]);
        // `::ffff:0:0/96` in its hexadecimal form is the same network; mapped addresses come dotted.
        for (const one of spellings([...left, ...leftHost]))
          for (const other of spellings([...right, ...rightHost]))
            assert.equal(addressGroup(one) === addressGroup(other), same, `${one} ${other}`);
      }),
    );
  });
});
