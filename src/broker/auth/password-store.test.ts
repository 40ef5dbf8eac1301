import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createAuthenticator } from './authenticator.ts';
import type { PasswordFileError } from './password-file.ts';
import { PasswordStore } from './password-store.ts';
import { cheapLine } from './testing/cheap-hash.ts';

const HASHES_AT_ONCE_AND_WAITING = 2 + 256;
const folder = await mkdtemp(join(tmpdir(), 'robustmq-passwords-'));
let files = 0;

async function openStore(text: string) {
  files += 1;
  const file = join(folder, `passwords-${files}`);
  await writeFile(file, text);
  const time = { ms: 0 };
  const failures: PasswordFileError[] = [];
  const store = await PasswordStore.open({
    file,
    clock: { now: () => time.ms },
    onReloadFailed: (error) => failures.push(error),
  });
  const verify = async (user: string, password: string) => (await store.verify(user, Buffer.from(password))).type;
  return { file, time, failures, store, verify };
}

describe('verifying', () => {
  test('the right password of a known user, and nothing else', async () => {
    const { verify } = await openStore(cheapLine('alice', 'a') + cheapLine('bob', 'b'));
    assert.equal(await verify('alice', 'a'), 'verified');
    assert.equal(await verify('alice', 'b'), 'wrong');
    assert.equal(await verify('bob', 'a'), 'wrong');
    assert.equal(await verify('carol', 'a'), 'wrong');
    assert.equal(await verify('alice', ''), 'wrong');
  });

  test('nobody gets in where there are no users, not even with the hash that stands in for one', async () => {
    const { verify } = await openStore('# nobody yet\n');
    assert.equal(await verify('alice', ''), 'wrong');
  });

  test('a crowd is bounded, and unknown users take hashing slots as known ones do', async () => {
    for (const user of ['alice', 'nobody']) {
      const { verify } = await openStore(cheapLine('alice', 'a'));
      const answers = await Promise.all(
        Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 10 }, () => verify(user, 'wrong')),
      );
      assert.equal(answers.filter((answer) => answer === 'wrong').length, HASHES_AT_ONCE_AND_WAITING);
      assert.equal(answers.filter((answer) => answer === 'overloaded').length, 10);
    }
  });

  test('a password that was right is remembered for a minute, a wrong one never', async () => {
    const { store, time } = await openStore(cheapLine('alice', 'a'));
    const right = () => store.verify('alice', Buffer.from('a'));
    assert.deepEqual(await right(), { type: 'verified', cached: false });
    assert.deepEqual(await right(), { type: 'verified', cached: true });
    assert.deepEqual(await store.verify('alice', Buffer.from('b')), { type: 'wrong' });
    time.ms = 60_001;
    assert.deepEqual(await right(), { type: 'verified', cached: false });
  });
});

describe('a changed file', () => {
  test('counts a second later, or at once on reload', async () => {
    const { file, time, verify, store } = await openStore(cheapLine('alice', 'a'));
    assert.equal(await verify('alice', 'a'), 'verified');
    await writeFile(file, `${cheapLine('alice', 'new')}${cheapLine('bob', 'b')}`);
    assert.equal(await verify('bob', 'b'), 'wrong');
    time.ms += 1000;
    assert.equal(await verify('bob', 'b'), 'verified');
    // The old password was remembered as right, under the hash that is no longer there.
    assert.equal(await verify('alice', 'a'), 'wrong');
    await writeFile(file, '');
    await store.reload();
    assert.equal(await verify('bob', 'b'), 'wrong');
  });

  test('that is malformed or gone is told once, and the users stay', async () => {
    const { file, time, verify, failures } = await openStore(cheapLine('alice', 'a'));
    await writeFile(file, 'rubbish\n');
    for (const _ of [1, 2, 3]) {
      time.ms += 1000;
      assert.equal(await verify('alice', 'a'), 'verified');
    }
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['malformed'],
    );
    await rm(file);
    time.ms += 1000;
    assert.equal(await verify('alice', 'a'), 'verified');
    assert.equal(failures.at(-1)?.code, 'unreadable');
  });

  test('a file that is missing from the start is refused by name', async () => {
    const file = join(folder, 'absent');
    await assert.rejects(PasswordStore.open({ file, clock: { now: () => 0 }, onReloadFailed: () => {} }), {
      code: 'unreadable',
      message: /absent cannot be read/,
    });
  });
});

describe('authenticating', () => {
  const client = { clientId: 'c', address: '127.0.0.1' };
  const nobody = { ...client, username: undefined, password: undefined };
  const alice = { ...client, username: 'alice', password: Buffer.from('a') };

  test('users by password; strangers only where they are welcome', async () => {
    const { store } = await openStore(cheapLine('alice', 'a'));
    const closed = createAuthenticator(store, false);
    const open = createAuthenticator(store, true);
    const verified = { type: 'allowed', identity: 'alice', method: 'password', cached: false };
    assert.deepEqual(await closed.authenticate(alice), verified);
    assert.deepEqual(await closed.authenticate(nobody), { type: 'refused', reasonCode: 0x87 });
    assert.deepEqual(await open.authenticate(nobody), {
      type: 'allowed',
      identity: undefined,
      method: 'anonymous',
      cached: false,
    });
  });

  test('wrong or half credentials are refused even where strangers are welcome', async () => {
    const { store } = await openStore(cheapLine('alice', 'a'));
    const open = createAuthenticator(store, true);
    const refused = { type: 'refused', reasonCode: 0x86 };
    assert.deepEqual(await open.authenticate({ ...alice, password: Buffer.from('b') }), refused);
    assert.deepEqual(await open.authenticate({ ...alice, password: undefined }), refused);
    assert.deepEqual(await open.authenticate({ ...nobody, password: Buffer.from('a') }), refused);
  });

  test('without a store a claimed name proves nothing', async () => {
    const outcome = await createAuthenticator(undefined, true).authenticate(alice);
    assert.deepEqual(outcome, { type: 'allowed', identity: undefined, method: 'anonymous', cached: false });
    assert.equal((await createAuthenticator(undefined, false).authenticate(alice)).type, 'refused');
  });

  test('too many at once is not a wrong password', async () => {
    const { store } = await openStore(cheapLine('alice', 'a'));
    const authenticator = createAuthenticator(store, false);
    const outcomes = await Promise.all(
      Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 1 }, () => authenticator.authenticate(alice)),
    );
    assert.equal(outcomes.at(-1)?.type, 'unavailable');
  });
});
