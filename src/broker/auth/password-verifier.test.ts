import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { passwordBackend } from './password-backend.ts';
import { PASSWORD_FILE, type PasswordEntries } from './password-file.ts';
import { PasswordVerifier } from './password-verifier.ts';
import { cheapLine } from './testing/cheap-hash.ts';
import { parseUserFile } from './user-file.ts';

const HASHES_AT_ONCE_AND_WAITING = 2 + 256;

/** A verifier over users that `become` replaces, as a watch does. */
function openVerifier(...lines: string[]) {
  const read = (texts: readonly string[]): PasswordEntries => parseUserFile(texts.join(''), 'test', PASSWORD_FILE);
  const time = { ms: 0 };
  const users = { records: read(lines), version: 1 };
  const verifier = new PasswordVerifier(users, { now: () => time.ms });
  const verify = async (user: string, password: string) =>
    (await verifier.verify(user, Buffer.from(password), '127.0.0.1')).type;
  const become = (...changed: string[]): void => {
    users.records = read(changed);
    users.version += 1;
  };
  return { time, verifier, verify, become };
}

describe('verifying', () => {
  test('the right password of a known user, and nothing else', async () => {
    const { verify } = openVerifier(cheapLine('alice', 'a'), cheapLine('bob', 'b'));
    assert.equal(await verify('alice', 'a'), 'verified');
    assert.equal(await verify('alice', 'b'), 'wrong');
    assert.equal(await verify('bob', 'a'), 'wrong');
    assert.equal(await verify('carol', 'a'), 'unknown');
    assert.equal(await verify('alice', ''), 'wrong');
  });

  test('nobody gets in where there are no users, not even with the hash that stands in for one', async () => {
    const { verify } = openVerifier();
    assert.equal(await verify('alice', ''), 'unknown');
  });

  test('a crowd is bounded, and unknown users take hashing slots as known ones do', async () => {
    for (const [user, answer] of [
      ['alice', 'wrong'],
      ['nobody', 'unknown'],
    ] as const) {
      const { verify } = openVerifier(cheapLine('alice', 'a'));
      const answers = await Promise.all(
        Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 10 }, () => verify(user, 'wrong')),
      );
      assert.equal(answers.filter((given) => given === answer).length, HASHES_AT_ONCE_AND_WAITING);
      assert.equal(answers.filter((given) => given === 'overloaded').length, 10);
    }
  });

  test('a password that was right is remembered for a minute, a wrong one never', async () => {
    const { verifier, time } = openVerifier(cheapLine('alice', 'a'));
    const right = () => verifier.verify('alice', Buffer.from('a'), '127.0.0.1');
    assert.deepEqual(await right(), { type: 'verified', cached: false });
    assert.deepEqual(await right(), { type: 'verified', cached: true });
    assert.deepEqual(await verifier.verify('alice', Buffer.from('b'), '127.0.0.1'), { type: 'wrong' });
    time.ms = 60_001;
    assert.deepEqual(await right(), { type: 'verified', cached: false });
  });
});

describe('users that change', () => {
  test('count at once; a password that was right is not remembered beyond the hash it was right for', async () => {
    const { verify, become } = openVerifier(cheapLine('alice', 'a'));
    assert.equal(await verify('alice', 'a'), 'verified');
    assert.equal(await verify('bob', 'b'), 'unknown');
    become(cheapLine('alice', 'new'), cheapLine('bob', 'b'));
    assert.equal(await verify('alice', 'a'), 'wrong');
    assert.equal(await verify('alice', 'new'), 'verified');
    assert.equal(await verify('bob', 'b'), 'verified');
    become();
    assert.equal(await verify('bob', 'b'), 'unknown');
  });

  test('nobody gets in with a password that was withdrawn while it was hashed, nor is it remembered', async () => {
    const alice = cheapLine('alice', 'a');
    const { verifier, verify, become } = openVerifier(alice);
    const underWay = verify('alice', 'a');
    become();
    assert.equal(await underWay, 'wrong');
    become(alice);
    assert.deepEqual(await verifier.verify('alice', Buffer.from('a'), '127.0.0.1'), {
      type: 'verified',
      cached: false,
    });
  });
});

test('as the authenticator of a chain: a wrong password is a no, an unknown user is left to others', async () => {
  const { verifier } = openVerifier(cheapLine('alice', 'a'));
  const backend = passwordBackend(verifier);
  const ask = (username: string | undefined, password: string | undefined) =>
    backend.verify({
      clientId: 'c',
      address: '127.0.0.1',
      username,
      password: password === undefined ? undefined : Buffer.from(password),
    });
  assert.deepEqual(await ask('alice', 'a'), { type: 'allowed', identity: 'alice', cached: false });
  assert.deepEqual(await ask('alice', 'a'), { type: 'allowed', identity: 'alice', cached: true });
  const wrong = { type: 'refused', reasonCode: 0x86, reason: 'not the password of the user' };
  assert.deepEqual(await ask('alice', 'b'), wrong);
  for (const [user, password] of [
    ['bob', 'a'],
    ['alice', undefined],
    [undefined, 'a'],
    [undefined, undefined],
  ] as const)
    assert.deepEqual(await ask(user, password), { type: 'ignored' });
});

test('too many at once is not a wrong password', async () => {
  const { verifier } = openVerifier(cheapLine('alice', 'a'));
  const credentials = { clientId: 'c', address: '127.0.0.1', username: 'alice', password: Buffer.from('a') };
  const verdicts = await Promise.all(
    Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 1 }, () => passwordBackend(verifier).verify(credentials)),
  );
  const last = verdicts.at(-1)!;
  assert(last.type === 'unavailable');
  assert.equal(last.reasonCode, 0x89);
});
