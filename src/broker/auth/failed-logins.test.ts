import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type FailedLoginLimits, FailedLogins } from './failed-logins.ts';

const LIMITS: FailedLoginLimits = { perUser: 3, perAddress: 5, windowMs: 1000, banMs: 5000, maximumEntries: 1000 };
const suspect = (user: string, address = 'address') => ({ user: `${address} ${user}`, address });
const open = (limits: Partial<FailedLoginLimits> = {}) => new FailedLogins({ ...LIMITS, ...limits });

describe('failed logins', () => {
  test('of one user from one address lead to a ban of that pair, for as long as a ban lasts', () => {
    const logins = open();
    const alice = suspect('alice');
    assert.deepEqual(logins.failed(alice, 0).banned, []);
    assert.deepEqual(logins.failed(alice, 1).banned, []);
    assert.equal(logins.isBanned(alice, 1), false);
    assert.deepEqual(logins.failed(alice, 2).banned, ['user']);
    assert.equal(logins.isBanned(alice, 3), true);
    assert.equal(logins.isBanned(suspect('bob'), 3), false);
    assert.equal(logins.isBanned(suspect('alice', 'elsewhere'), 3), false);
    assert.equal(logins.isBanned(alice, 5001), true);
    assert.equal(logins.isBanned(alice, 5002), false);
  });

  test('from one address, whoever is named, lead to a ban of the address', () => {
    const logins = open();
    for (let user = 1; user < 5; user += 1) assert.deepEqual(logins.failed(suspect(`user-${user}`), 0).banned, []);
    assert.deepEqual(logins.failed(suspect('user-5'), 0).banned, ['address']);
    assert.equal(logins.isBanned(suspect('someone else'), 1), true);
    assert.equal(logins.bans(1), 1);
  });

  test('count together only within the window; a success wipes out the user’s, not the address’s', () => {
    const logins = open();
    const alice = suspect('alice');
    logins.failed(alice, 0);
    logins.failed(alice, 999);
    assert.deepEqual(logins.failed(alice, 1000).banned, [], 'the window of the first two is over');
    logins.failed(alice, 1001);
    logins.succeeded(alice);
    assert.deepEqual(logins.failed(alice, 1002).banned, []);
    assert.deepEqual(logins.failed(alice, 1003).banned, []);
    assert.deepEqual(logins.failed(suspect('bob'), 1004).banned, ['address']);
  });

  test('before a ban count for nothing after it, also where it is shorter than the window', () => {
    const logins = open({ banMs: 100 });
    for (let failure = 1; failure <= 3; failure += 1) logins.failed(suspect('alice'), 0);
    assert.deepEqual(logins.failed(suspect('alice'), 100).banned, []);
    assert.equal(logins.isBanned(suspect('alice'), 100), false);
  });

  test('lead to nothing where the limits say so', () => {
    const never = open({ perUser: 0 });
    for (let at = 0; at < 100; at += 1) assert.deepEqual(never.failed(suspect('alice'), at).banned, []);
    const noAddresses = open({ perAddress: 0 });
    for (let at = 0; at < 100; at += 1) assert.deepEqual(noAddresses.failed(suspect(`user-${at}`), at).banned, []);
  });

  test('are remembered up to a limit: the oldest give way, and it is told', () => {
    const logins = open({ maximumEntries: 2, perAddress: 0 });
    logins.failed(suspect('a'), 0);
    logins.failed(suspect('b'), 1);
    logins.failed(suspect('a'), 2);
    assert.equal(logins.failed(suspect('c'), 3).forgotten, 1);
    assert.deepEqual(logins.failed(suspect('a'), 4).banned, [], 'its two failures are forgotten');
  });
});

test('at any time it is banned who failed often enough within a window, no longer ago than a ban lasts', () => {
  const event = fc.record({
    who: fc.constantFrom('a', 'b', 'c'),
    address: fc.constantFrom('x', 'y'),
    type: fc.constantFrom('failed', 'failed', 'failed', 'succeeded'),
    afterMs: fc.integer({ min: 0, max: 700 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.constantFrom(300, 5000), (events, banMs) => {
      const logins = open({ banMs });
      const model = new Map<string, { limit: number; failures: number[]; bannedUntil: number }>();
      const entry = (key: string, limit: number) => {
        const known = model.get(key) ?? { limit, failures: [], bannedUntil: 0 };
        model.set(key, known);
        return known;
      };
      let now = 0;
      for (const { who, address, type, afterMs } of events) {
        now += afterMs;
        const asked = suspect(who, address);
        const both = [entry(asked.user, LIMITS.perUser), entry(asked.address, LIMITS.perAddress)];
        assert.equal(
          logins.isBanned(asked, now),
          both.some(({ bannedUntil }) => bannedUntil > now),
        );
        if (type === 'succeeded') {
          logins.succeeded(asked);
          both[0]!.failures = [];
          continue;
        }
        logins.failed(asked, now);
        for (const counted of both) {
          if (counted.failures.length > 0 && now - counted.failures[0]! >= LIMITS.windowMs) counted.failures = [];
          counted.failures.push(now);
          if (counted.failures.length < counted.limit) continue;
          counted.failures = [];
          counted.bannedUntil = now + banMs;
        }
      }
      assert.equal(logins.bans(now), [...model.values()].filter(({ bannedUntil }) => bannedUntil > now).length);
    }),
  );
});
