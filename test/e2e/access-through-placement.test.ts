import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { type AccessRule, aclRules } from '../../src/placement/acl.ts';
import type { Placement } from '../../src/placement/placement.ts';
import { users } from '../../src/placement/users.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';

const rulesAsText = (...rules: AccessRule[]): string => JSON.stringify(rules);
const allow = (topic: string): AccessRule => ({ permission: 'allow', action: 'all', topics: [topic] });
const deny = (topic: string): AccessRule => ({ permission: 'deny', action: 'all', topics: [topic] });
const hashOf = (password: string): string => cheapLine('', password).slice(1).trim();

/** A broker that asks for user name and password. */
async function startWithUsers(files: TestDirectory, ...lines: string[]): Promise<{ broker: TestBroker; file: string }> {
  const file = files.write('passwords', lines.join(''));
  return { file, broker: await TestBroker.start({ 'authentication.password_file': file }) };
}

/** What the CONNACK says. */
async function signIn(broker: TestBroker, userName: string, password: string): Promise<ReasonCode> {
  await using client = await RawClient.open(broker.port);
  client.sendConnect({ userName, password: Buffer.from(password) });
  return (await client.expect('connack')).reasonCode;
}

/** Settles with the first change of the key from now on. */
function changeOf(placement: Placement, key: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = placement.watch(key, () => {
      stop();
      resolve();
    });
  });
}

const { success, badUserNameOrPassword, notAuthorized } = ReasonCode;

describe('users', () => {
  test('come and go in placement, and the broker knows at once', async () => {
    await using files = await TestDirectory.create();
    const { broker } = await startWithUsers(files, cheapLine('alice', 'a'));
    await using _ = broker;
    assert.equal(await signIn(broker, 'alice', 'a'), success);
    assert.equal(await signIn(broker, 'carol', 'c'), badUserNameOrPassword);

    await users.put(broker.placement, 'carol', { passwordHash: hashOf('c'), source: 'someone' });
    assert.equal(await signIn(broker, 'carol', 'c'), success);
    await users.put(broker.placement, 'carol', { passwordHash: hashOf('new'), source: 'someone' });
    assert.equal(await signIn(broker, 'carol', 'c'), badUserNameOrPassword);
    await users.delete(broker.placement, 'alice');
    assert.equal(await signIn(broker, 'alice', 'a'), badUserNameOrPassword);
  });

  test('follow the password file, on reload and by themselves, and those of others stay, also after a restart', async () => {
    await using files = await TestDirectory.create();
    const { broker, file } = await startWithUsers(files, cheapLine('alice', 'a'));
    await using _ = broker;
    await users.put(broker.placement, 'carol', { passwordHash: hashOf('c'), source: 'someone' });

    const written = changeOf(broker.placement, users.key('bob'));
    await appendFile(file, cheapLine('bob', 'b'));
    await written;
    assert.equal(await signIn(broker, 'bob', 'b'), success);

    await writeFile(file, cheapLine('bob', 'changed'));
    await broker.reload();
    assert.equal(await signIn(broker, 'alice', 'a'), badUserNameOrPassword);
    assert.equal(await signIn(broker, 'bob', 'b'), badUserNameOrPassword);
    assert.equal(await signIn(broker, 'carol', 'c'), success);

    await broker.restart();
    assert.equal(await signIn(broker, 'alice', 'a'), badUserNameOrPassword);
    assert.equal(await signIn(broker, 'bob', 'changed'), success);
    assert.equal(await signIn(broker, 'carol', 'c'), success);
  });

  test('stay what they were while the file or a record is malformed', async () => {
    await using files = await TestDirectory.create();
    const { broker, file } = await startWithUsers(files, cheapLine('alice', 'a'));
    await using _ = broker;
    await writeFile(file, 'rubbish\n');
    await assert.rejects(broker.reload(), { code: 'malformed' });
    assert.equal(await signIn(broker, 'alice', 'a'), success);

    await users.put(broker.placement, 'carol', { passwordHash: hashOf('c'), source: 'someone' });
    await users.put(broker.placement, 'carol', { passwordHash: '$rubbish', source: 'someone' });
    assert.equal(await signIn(broker, 'carol', 'c'), success);
    await writeFile(file, cheapLine('alice', 'a'));
    await broker.stop();
    await assert.rejects(broker.start(), { code: 'corrupt', message: /"user\/carol"/ });
  });
});

describe('access rules', () => {
  test('change in placement, and answers remembered with a connection hold no longer', async () => {
    await using broker = await TestBroker.start({ 'authorization.rules': rulesAsText(allow('a/#')) });
    await using client = await RawClient.connect({ port: broker.port });
    const publish = () => client.publish('a/x', 'x', { qos: 1 });
    assert.equal(await publish(), ReasonCode.noMatchingSubscribers);

    await aclRules.put(broker.placement, 'an-operator', [deny('a/x')]);
    assert.equal(await publish(), notAuthorized);
    assert.deepEqual((await client.subscribe('a/#')).reasonCodes, [notAuthorized]);

    await broker.restart();
    await using again = await RawClient.connect({ port: broker.port });
    assert.equal(await again.publish('a/x', 'x', { qos: 1 }), notAuthorized);
    await aclRules.delete(broker.placement, 'an-operator');
    assert.deepEqual((await again.subscribe('a/#')).reasonCodes, [2]);
  });

  test('of the configuration count from a reload on; rules that cannot work change nothing', async () => {
    await using broker = await TestBroker.start({ 'authorization.rules': rulesAsText(allow('a/#')) });
    await using client = await RawClient.connect({ port: broker.port });
    const answers = async () => [...(await client.subscribe(['a/x', 'b/x'])).reasonCodes];
    assert.deepEqual(await answers(), [2, notAuthorized]);
    await broker.reload({ 'authorization.rules': rulesAsText(allow('b/#')) });
    assert.deepEqual(await answers(), [notAuthorized, 2]);
    await assert.rejects(broker.reload({ 'authorization.rules': rulesAsText(allow('b/#/c')) }));
    assert.deepEqual(await answers(), [notAuthorized, 2]);
    await broker.reload({ 'authorization.rules': '[]' });
    assert.deepEqual(await answers(), [2, 2]);
  });
});
