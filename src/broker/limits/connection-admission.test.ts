import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { type AdmissionLimits, ConnectionAdmission } from './connection-admission.ts';

const NOW = 1_700_000_000_000;
const NONE: AdmissionLimits = { maxConnections: 0, maxConnectionsPerAddress: 0, maxConnectRate: 0 };

function admission(overall: Partial<AdmissionLimits>, first: Partial<AdmissionLimits> = {}) {
  const limits = { first: { ...NONE, ...first, name: 'first' }, second: { ...NONE, name: 'second' } };
  const admitting = new ConnectionAdmission({ ...NONE, ...overall }, NOW);
  return {
    enter: (listener: 'first' | 'second', address = '192.0.2.1', now = NOW): string =>
      admitting.enter(limits[listener], address, now)?.limit ?? 'admitted',
    leave: (listener: 'first' | 'second', address = '192.0.2.1') => admitting.leave(listener, address),
    reasonCode: () => admitting.enter(limits.first, '192.0.2.1', NOW)?.reasonCode,
  };
}

describe('who may connect', () => {
  it('is everybody, where nothing is limited', () => {
    const { enter } = admission({});
    for (let count = 0; count < 1000; count += 1) assert.equal(enter('first'), 'admitted');
  });

  it('is decided by the number of connections, over all listeners', () => {
    const { enter, leave } = admission({ maxConnections: 2 });
    assert.deepEqual([enter('first'), enter('second'), enter('first')], ['admitted', 'admitted', 'connections']);
    leave('second');
    assert.deepEqual([enter('first'), enter('second')], ['admitted', 'connections']);
  });

  it('is decided by the number of connections on the listener, which is none of any other', () => {
    const { enter, leave } = admission({}, { maxConnections: 1 });
    assert.deepEqual([enter('first'), enter('first'), enter('second')], ['admitted', 'connections', 'admitted']);
    leave('first');
    assert.equal(enter('first'), 'admitted');
  });

  it('is decided by the number of connections from the address', () => {
    const { enter, leave } = admission({ maxConnectionsPerAddress: 1 });
    assert.equal(enter('first', '192.0.2.1'), 'admitted');
    assert.equal(enter('second', '::ffff:192.0.2.1'), 'connections_per_address');
    assert.equal(enter('second', '192.0.2.2'), 'admitted');
    assert.equal(enter('second', '2001:db8::1'), 'admitted');
    assert.equal(enter('second', '2001:db8::ffff'), 'connections_per_address');
    leave('first', '192.0.2.1');
    assert.equal(enter('second', '192.0.2.1'), 'admitted');
  });

  it('is decided by the number of connections from the address on the listener', () => {
    const { enter } = admission({}, { maxConnectionsPerAddress: 1 });
    assert.deepEqual(
      [enter('first'), enter('first'), enter('second'), enter('second')],
      ['admitted', 'connections_per_address', 'admitted', 'admitted'],
    );
  });

  it('is decided by how many came within a second, overall and on the listener', () => {
    const overall = admission({ maxConnectRate: 1 });
    assert.deepEqual([overall.enter('first'), overall.enter('second')], ['admitted', 'connect_rate']);
    assert.equal(overall.enter('second', '192.0.2.1', NOW + 1000), 'admitted');
    const onListener = admission({}, { maxConnectRate: 1 });
    assert.deepEqual(
      [onListener.enter('first'), onListener.enter('first'), onListener.enter('second')],
      ['admitted', 'connect_rate', 'admitted'],
    );
  });

  it('is not decided by those who were refused: they take no token and no place', () => {
    const { enter, leave } = admission({ maxConnectRate: 2 }, { maxConnections: 1 });
    assert.deepEqual(
      [enter('first'), enter('first'), enter('first'), enter('second')],
      ['admitted', 'connections', 'connections', 'admitted'],
    );
    leave('first');
    assert.equal(enter('first', '192.0.2.1', NOW + 500), 'admitted');
  });

  it('is told to the client: 0x97, and 0x9F for the rate', () => {
    const codeOf = (limits: Partial<AdmissionLimits>): ReasonCode | undefined => {
      const { enter, reasonCode } = admission(limits);
      enter('first');
      return reasonCode();
    };
    assert.equal(codeOf({ maxConnections: 1 }), ReasonCode.quotaExceeded);
    assert.equal(codeOf({ maxConnectionsPerAddress: 1 }), ReasonCode.quotaExceeded);
    assert.equal(codeOf({ maxConnectRate: 1 }), ReasonCode.connectionRateExceeded);
  });

  it('holds for any order of coming and going', () => {
    const step = fc.record({
      address: fc.nat(3),
      listener: fc.constantFrom('first' as const, 'second' as const),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { enter, leave } = admission(
          { maxConnections: 6, maxConnectionsPerAddress: 3 },
          { maxConnections: 4, maxConnectionsPerAddress: 2 },
        );
        const inside: { listener: 'first' | 'second'; address: string }[] = [];
        for (const { address: number, listener, leaves } of steps) {
          const address = `192.0.2.${number}`;
          const index = inside.findIndex((one) => one.listener === listener && one.address === address);
          if (leaves) {
            if (index === -1) continue;
            inside.splice(index, 1);
            leave(listener, address);
            continue;
          }
          const here = inside.filter((one) => one.listener === listener);
          const from = (all: typeof inside): number => all.filter((one) => one.address === address).length;
          const full = inside.length >= 6 || (listener === 'first' && here.length >= 4);
          const fullFor = from(inside) >= 3 || (listener === 'first' && from(here) >= 2);
          const expected = full ? 'connections' : fullFor ? 'connections_per_address' : 'admitted';
          assert.equal(enter(listener, address), expected);
          if (expected === 'admitted') inside.push({ listener, address });
        }
      }),
    );
  });
});
