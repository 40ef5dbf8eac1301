import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { explicitRandomness, passedOn, withThreshold } from './trace-state.ts';

describe('tracestate with our threshold', () => {
  const cases: readonly (readonly [before: string, th: string | undefined, after: string])[] = [
    ['', '8', 'ot=th:8'],
    ['', undefined, ''],
    // What changed goes first (W3C Trace Context 2, section 3.5).
    ['a=1,b=2', 'c', 'ot=th:c,a=1,b=2'],
    ['a=1,ot=th:8,b=2', 'c', 'ot=th:c,a=1,b=2'],
    // What did not change stays where it was.
    ['a=1,ot=th:c,b=2', 'c', 'a=1,ot=th:c,b=2'],
    // Sub-keys of others stay.
    ['ot=rv:6e6d1a75832a2f;th:8;x1:y', 'fd70a3d7', 'ot=th:fd70a3d7;rv:6e6d1a75832a2f;x1:y'],
    // A trace kept for another reason than probability has no known one.
    ['a=1,ot=th:8', undefined, 'a=1'],
    ['ot=th:8;rv:6e6d1a75832a2f', undefined, 'ot=rv:6e6d1a75832a2f'],
    ['a=1, ,\tb=2 ,', '8', 'ot=th:8,a=1,b=2'],
    ['a=1,a=2', '8', 'ot=th:8,a=1'],
    ['ot=nonsense,a=1', '8', 'ot=th:8,a=1'],
  ];
  for (const [before, th, after] of cases)
    it(`"${before}" and ${th ?? 'none'} become "${after}"`, () => assert.equal(withThreshold(before, th), after));

  it('drops the last member for ours, when there are 32', () => {
    const full = Array.from({ length: 32 }, (_, index) => `k${index}=v`);
    assert.equal(withThreshold(full.join(), '8'), ['ot=th:8', ...full.slice(0, 31)].join());
  });

  it('drops sub-keys of others that leave no room for ours', () => {
    assert.equal(withThreshold(`ot=x:${'y'.repeat(250)}`, 'fd70a3d7'), 'ot=th:fd70a3d7');
  });
});

describe('a malformed tracestate', () => {
  const malformed: Readonly<Record<string, string>> = {
    'no key': '=1',
    'no value': 'a=',
    'no separator': 'a',
    'upper case': 'A=1',
    'separator in the value': 'a=1=2',
    'control character': 'a=\u0001',
    'not ASCII': 'a=ü',
    'long key': `${'k'.repeat(257)}=1`,
    'long value': `a=${'v'.repeat(257)}`,
    '33 members': Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(),
    'more than anyone needs': `a=1${','.repeat(5000)}`,
  };
  for (const [name, header] of Object.entries(malformed))
    it(`is ignored as a whole: ${name}`, () => {
      assert.equal(passedOn(`b=2,${header}`), '');
      assert.equal(withThreshold(`b=2,${header}`, '8'), 'ot=th:8');
      assert.equal(explicitRandomness(`ot=rv:00000000000001,${header}`), undefined);
    });
});

describe('a tracestate that goes on', () => {
  it('is cut to 512 bytes: large members go first, then the last ones', () => {
    const large = `large=${'v'.repeat(200)}`;
    const small = Array.from({ length: 20 }, (_, index) => `k${index}=${'v'.repeat(20)}`);
    const kept = passedOn([...small.slice(0, 10), large, ...small.slice(10)].join());
    assert.ok(kept.length <= 512);
    assert.ok(!kept.includes('large'));
    assert.equal(kept, small.slice(0, kept.split(',').length).join());
  });

  const member = fc
    .tuple(fc.stringMatching(/^[a-z][a-z0-9_*/@-]{0,20}$/), fc.stringMatching(/^[!-+\--<>-~]{1,40}$/))
    .map(([key, value]) => `${key}=${value}`);

  it('stays as it is where it is valid, short and names no key twice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(member, { maxLength: 8, selector: (text) => text.split('=')[0] }), (members) => {
        assert.equal(passedOn(members.join()), members.join());
      }),
    );
  });

  it('is never longer than 512 bytes or 32 members, whatever came', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), fc.array(member, { maxLength: 40 }), (noise, members) => {
        for (const header of [noise, members.join()])
          for (const result of [passedOn(header), withThreshold(header, 'c')]) {
            assert.ok(result.length <= 512);
            assert.ok(result.split(',').length <= 32);
            assert.equal(passedOn(result), result);
          }
      }),
    );
  });
});

describe('explicit randomness', () => {
  it('is rv, 14 hex digits, of which the first eight decide', () => {
    assert.equal(explicitRandomness('a=1,ot=th:8;rv:6e6d1a75832a2f'), 0x6e6d1a75);
    assert.equal(explicitRandomness('ot=rv:ffffffffffffff'), 0xffff_ffff);
  });

  it('is none where it is not written so', () => {
    for (const header of ['', 'ot=th:8', 'ot=rv:6e6d1a75832a2', 'ot=rv:6E6D1A75832A2F', 'xy=rv:6e6d1a75832a2f'])
      assert.equal(explicitRandomness(header), undefined, header);
  });
});
