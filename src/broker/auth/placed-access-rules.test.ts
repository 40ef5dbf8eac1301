import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthorizationRule } from '../../config/schema.ts';
import { aclRules } from '../../placement/acl.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { PlacementError } from '../../placement/placement.ts';
import type { AccessDecision } from './access-rules.ts';
import { createAuthorizer } from './authorizer.ts';
import { type PlacedAccessRules, publishAccessRules, rulesOf, watchAccessRules } from './placed-access-rules.ts';

const unexpected = (error: PlacementError): void => assert.fail(error);
const rule = (permission: AuthorizationRule['permission'], ...topics: string[]): AuthorizationRule => ({
  permission,
  action: 'all',
  topics,
});
const decide = (watched: PlacedAccessRules, topic: string): AccessDecision => {
  const client = { clientId: 'c', username: undefined, address: '10.0.0.1' };
  return createAuthorizer(rulesOf(watched), new Map()).authorize(client, 'publish', topic);
};

test('the rules of the configuration are those of placement, with all that a rule can say', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchAccessRules(placement, unexpected);
  const rules = [rule('deny', 'a/secret'), { ...rule('allow', 'a/#'), user: 'u', client: 'c', address: '10.0.0.0/8' }];
  await publishAccessRules(placement, rules);
  assert.deepEqual((await aclRules.get(placement, 'configuration'))?.value, rules);
  const { version } = watched;
  await publishAccessRules(placement, rules);
  assert.equal(watched.version, version);
  await placement.close();
});

test('without rules there is no list, and all is allowed', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchAccessRules(placement, unexpected);
  await publishAccessRules(placement, [rule('deny', '#')]);
  assert.deepEqual(decide(watched, 'a'), { allowed: false, rule: 'rules.0' });
  await publishAccessRules(placement, []);
  assert.deepEqual(decide(watched, 'a'), { allowed: true, rule: 'default' });
  assert.equal(watched.records.size, 0);
  await placement.close();
});

test('the lists of others stand before or behind it by their names, and stay when it goes', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchAccessRules(placement, unexpected);
  await publishAccessRules(placement, [rule('allow', 'a/#')]);
  await aclRules.put(placement, 'z-later', [rule('deny', 'a/x'), rule('allow', 'b')]);
  assert.deepEqual(decide(watched, 'a/x'), { allowed: true, rule: 'rules.0' });
  assert.deepEqual(decide(watched, 'b'), { allowed: true, rule: 'z-later.1' });
  await aclRules.put(placement, 'a-first', [rule('deny', 'a/x')]);
  assert.deepEqual(decide(watched, 'a/x'), { allowed: false, rule: 'a-first.0' });
  await publishAccessRules(placement, []);
  assert.deepEqual([...watched.records.keys()].sort(), ['a-first', 'z-later']);
  await placement.close();
});

test('a list that cannot work is refused by its key, and the one before stays', async () => {
  const placement = new MemoryPlacement();
  const refusals: string[] = [];
  const watched = await watchAccessRules(placement, (error) => refusals.push(error.message));
  await aclRules.put(placement, 'theirs', [rule('deny', '#')]);
  await aclRules.put(placement, 'theirs', [rule('allow', 'ok'), rule('allow', 'a/#/b')]);
  await placement.write([{ type: 'put', key: 'acl/theirs', value: Buffer.from('[{"permission":"maybe"}]') }]);
  assert.deepEqual(decide(watched, 'ok'), { allowed: false, rule: 'theirs.0' });
  assert.match(refusals[0]!, /"acl\/theirs" is wrong: rules\.1\.topics: "a\/#\/b"/);
  assert.match(refusals[1]!, /"acl\/theirs" is wrong: 0\.permission/);
  await assert.rejects(watchAccessRules(placement, unexpected), { code: 'corrupt', message: /"acl\/theirs"/ });
  await placement.close();
});
