import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthorizationRule } from '../../config/schema.ts';
import { type AccessRules, compileRules, NO_RULES, type Principal } from './access-rules.ts';
import { parseAclFile } from './acl-file.ts';
import { createAuthorizer } from './authorizer.ts';

const CLIENT: Principal = { clientId: 'c', username: 'alice', address: '127.0.0.1', listener: 'devices' };

const rulesOf = (name: string, permission: AuthorizationRule['permission'], ...topics: string[]): AccessRules =>
  compileRules([{ permission, action: 'all', topics }], name, name);
const aclFiles = (text: string) => new Map([['devices', parseAclFile(text, 'acl')]]);

/** The decision on publishing, as `+rules.0` or `-default`. */
const decide = (
  rules: AccessRules,
  files: ReadonlyMap<string, AccessRules>,
  topic: string,
  client = CLIENT,
): string => {
  const { allowed, rule } = createAuthorizer(rules, files).authorize(client, 'publish', topic);
  return `${allowed ? '+' : '-'}${rule}`;
};

describe('who decides', () => {
  test('nobody, where nothing is configured: all is allowed', () => {
    assert.equal(decide(NO_RULES, new Map(), 'a'), '+default');
  });

  test('the rules, then the ACL file of the listener; what neither says is not allowed', () => {
    const rules = rulesOf('rules', 'allow', 'a', 'both');
    const files = aclFiles('user alice\ntopic deny both\ntopic b\n');
    assert.equal(decide(rules, files, 'a'), '+rules.0');
    assert.equal(decide(rules, files, 'both'), '+rules.0');
    assert.equal(decide(rules, files, 'b'), '+acl_file:3');
    assert.equal(decide(rules, files, 'c'), '-default');
    assert.equal(decide(rules, files, 'b', { ...CLIENT, listener: 'others' }), '-default');
  });

  test('one of them alone is enough for what it does not say to be refused', () => {
    assert.equal(decide(rulesOf('rules', 'allow', 'a'), new Map(), 'b'), '-default');
    assert.equal(decide(NO_RULES, aclFiles(''), 'b'), '-default', 'an empty file allows nothing');
    assert.equal(decide(NO_RULES, aclFiles(''), 'b', { ...CLIENT, listener: 'others' }), '+default');
  });

  test('the client’s own rules, where its token brought some, and then nobody else', () => {
    const client = { ...CLIENT, rules: rulesOf('jwt', 'allow', 'own') };
    const rules = rulesOf('rules', 'deny', 'own');
    const files = aclFiles('pattern #');
    assert.equal(decide(rules, files, 'own', client), '+jwt.0');
    assert.equal(decide(rules, files, 'other', client), '-jwt.default');
    assert.equal(decide(NO_RULES, new Map(), 'other', { ...CLIENT, rules: NO_RULES }), '-jwt.default');
  });

  test('the broker, of its own topics: nobody publishes there, and reading is decided as elsewhere', () => {
    const everything = rulesOf('rules', 'allow', '$SYS/#', '#');
    const client = { ...CLIENT, rules: everything };
    for (const who of [CLIENT, client])
      assert.equal(decide(everything, new Map(), '$SYS/broker/uptime', who), '-reserved');
    const authorizer = createAuthorizer(everything, new Map());
    assert.equal(authorizer.authorize(CLIENT, 'subscribe', '$SYS/#').allowed, true);
  });

  test('the same of a shared subscription as of a plain one', () => {
    const authorizer = createAuthorizer(NO_RULES, aclFiles('pattern read a/#'));
    assert.equal(authorizer.authorize(CLIENT, 'subscribe', '$share/g/a/b').rule, 'acl_file:1');
    assert.equal(authorizer.authorize(CLIENT, 'subscribe', '$share/g/b').allowed, false);
  });
});
