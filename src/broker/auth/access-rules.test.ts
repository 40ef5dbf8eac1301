import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuthorizationRule } from '../../config/schema.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import type { AccessAction, Authorizer, Principal } from './access-rules.ts';
import { compileAccessRules } from './authorizer.ts';

const alice: Principal = { clientId: 'sensor-1', username: 'alice', address: '10.1.2.3' };

const allow = (action: AuthorizationRule['action'], ...topics: string[]): AuthorizationRule => ({
  permission: 'allow',
  action,
  topics,
});
const deny = (action: AuthorizationRule['action'], ...topics: string[]): AuthorizationRule => ({
  permission: 'deny',
  action,
  topics,
});
const isAllowed = (authorizer: Authorizer, action: AccessAction, topic: string, principal = alice): boolean =>
  authorizer.authorize(principal, action, topic).allowed;

describe('which rule decides', () => {
  test('without rules all is allowed', () => {
    assert.deepEqual(compileAccessRules([]).authorize(alice, 'publish', 'a'), { allowed: true, rule: 'default' });
  });

  test('with rules, the first that fits; none that fits is a no', () => {
    const rules = compileAccessRules([deny('publish', 'a/secret'), allow('publish', 'a/#'), allow('subscribe', 'b')]);
    assert.deepEqual(rules.authorize(alice, 'publish', 'a/secret'), { allowed: false, rule: 'rules.0' });
    assert.deepEqual(rules.authorize(alice, 'publish', 'a/x'), { allowed: true, rule: 'rules.1' });
    assert.deepEqual(rules.authorize(alice, 'subscribe', 'b'), { allowed: true, rule: 'rules.2' });
    assert.deepEqual(rules.authorize(alice, 'publish', 'b'), { allowed: false, rule: 'default' });
  });

  test('a rule for user, client or address is for them alone', () => {
    const only = (who: Partial<AuthorizationRule>, principal: Partial<Principal>) =>
      isAllowed(compileAccessRules([{ ...allow('all', '#'), ...who }]), 'publish', 't', { ...alice, ...principal });
    assert.equal(only({ user: 'alice' }, {}), true);
    assert.equal(only({ user: 'alice' }, { username: 'bob' }), false);
    assert.equal(only({ user: 'alice' }, { username: undefined }), false);
    assert.equal(only({ client: 'sensor-1' }, {}), true);
    assert.equal(only({ client: 'sensor-1' }, { clientId: 'sensor-2' }), false);
    assert.equal(only({ address: '10.0.0.0/8' }, {}), true);
    assert.equal(only({ address: '10.0.0.0/8' }, { address: '::ffff:10.9.9.9' }), true);
    assert.equal(only({ address: '10.0.0.0/8' }, { address: '11.0.0.1' }), false);
    assert.equal(only({ address: '10.0.0.0/8' }, { address: 'not an address' }), false);
    assert.equal(only({ address: '::1' }, { address: '::1' }), true);
    assert.equal(only({ address: 'fd00::/8' }, { address: '10.1.2.3' }), false);
    assert.equal(only({ address: 'fe80::/10' }, { address: 'fe80::1%eth0' }), true);
  });

  test('nobody publishes to $SYS, whatever the rules say', () => {
    for (const rules of [[], [allow('all', '$SYS/#', '#')]])
      for (const topic of ['$SYS', '$SYS/broker/uptime'])
        assert.deepEqual(compileAccessRules(rules).authorize(alice, 'publish', topic), {
          allowed: false,
          rule: 'reserved',
        });
  });
});

describe('subscribing', () => {
  test('is allowed when all that the filter can match is', () => {
    const rules = compileAccessRules([allow('subscribe', 'a/#')]);
    for (const filter of ['a/#', 'a', 'a/+/c', '$share/group/a/b'])
      assert.equal(isAllowed(rules, 'subscribe', filter), true);
    for (const filter of ['#', '+/b', 'b', '$share/group/#'])
      assert.equal(isAllowed(rules, 'subscribe', filter), false);
  });

  test('is denied when any of it is: a wide filter does not slip past a narrow denial', () => {
    const rules = compileAccessRules([deny('subscribe', 'secret/#'), allow('subscribe', '#')]);
    assert.equal(isAllowed(rules, 'subscribe', 'open/#'), true);
    for (const filter of ['#', '+/x', 'secret/x', '$share/g/#'])
      assert.equal(isAllowed(rules, 'subscribe', filter), false);
  });

  test('an allowed filter matches no topic that is not allowed by itself', () => {
    const level = fc.constantFrom('a', 'b', '$s', '+');
    const filter = fc
      .tuple(fc.array(level, { maxLength: 3 }), fc.constantFrom('#', 'a', '+'))
      .map(([levels, last]) => [...levels, last].join('/'));
    const rule = fc.record({
      permission: fc.constantFrom('allow' as const, 'deny' as const),
      action: fc.constantFrom('subscribe' as const, 'all' as const),
      topics: fc.array(filter, { minLength: 1, maxLength: 2 }),
    });
    const topic = fc
      .array(fc.constantFrom('a', 'b', 'z', '$s'), { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join('/'));
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), filter, fc.array(topic), (rules, wanted, topics) => {
        const authorizer = compileAccessRules(rules);
        if (!isAllowed(authorizer, 'subscribe', wanted)) return;
        for (const name of topics)
          if (topicMatches(wanted, name)) assert.equal(isAllowed(authorizer, 'subscribe', name), true, name);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('%c and %u', () => {
  const rules = compileAccessRules([allow('all', 'device/%c/#', 'home/%u', '%c/own')]);
  const can = (principal: Partial<Principal>, topic: string) =>
    isAllowed(rules, 'publish', topic, { ...alice, ...principal });

  test('stand for the client id and the verified user name', () => {
    assert.equal(can({}, 'device/sensor-1/t'), true);
    assert.equal(can({}, 'home/alice'), true);
    assert.equal(can({}, 'device/sensor-2/t'), false);
    assert.equal(can({}, 'home/bob'), false);
  });

  test('a name with a wildcard or a separator, or none at all, makes the rule fit nothing', () => {
    for (const clientId of ['+', '#', 'x/y', 'a+', '']) {
      assert.equal(can({ clientId }, 'device/sensor-2/t'), false);
      assert.equal(can({ clientId }, `device/${clientId}/t`), false);
      assert.equal(isAllowed(rules, 'subscribe', `device/${clientId}/#`, { ...alice, clientId }), false);
    }
    assert.equal(can({ username: undefined }, 'home/'), false);
  });

  test('a name with a wildcard or a separator slips past no denial', () => {
    const denying = compileAccessRules([deny('all', 'a/private/%c/x', '%u/own'), allow('all', '#')]);
    const may = (principal: Partial<Principal>, topic: string) =>
      isAllowed(denying, 'publish', topic, { ...alice, ...principal });
    assert.equal(may({}, 'a/private/sensor-1/x'), false);
    assert.equal(may({}, 'a/private/sensor-2/x'), true);
    for (const clientId of ['x/y', '+', '#']) {
      assert.equal(may({ clientId }, `a/private/${clientId}/x`), false);
      assert.equal(may({ clientId }, 'a/public'), true);
    }
    assert.equal(may({ username: 'x/y' }, 'x/y/own'), false);
    assert.equal(may({ username: undefined }, 'own'), true, 'who has no name has nothing of that name');
  });

  test('a name cannot turn a rule into one for $ topics, nor into another name', () => {
    assert.equal(isAllowed(rules, 'subscribe', '$SYS/own', { ...alice, clientId: '$SYS' }), false);
    assert.equal(can({ clientId: '%u' }, 'device/alice/t'), false);
    assert.equal(can({ clientId: '%u' }, 'device/%u/t'), true);
  });
});

test('a rule that cannot work is refused by its key', () => {
  assert.throws(() => compileAccessRules([allow('all', 'a'), allow('all', 'a/#/b')]), {
    code: 'invalid_filter',
    message: /authorization\.rules\.1\.topics: "a\/#\/b"/,
  });
  assert.throws(() => compileAccessRules([deny('subscribe', '$share/g/a')]), {
    code: 'invalid_filter',
    message: /rules\.0\.topics: "\$share\/g\/a" would never fit: .* name that$/,
  });
  for (const address of ['localhost', 'fe80::1%eth0', '10.0.0.0/33', '10.0.0.0/8/8', '::1/129', '10.0.0.0/'])
    assert.throws(() => compileAccessRules([{ ...allow('all', '#'), address }]), { code: 'invalid_address' });
});
