import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuthenticator } from './authenticator.ts';
import { type PasswordEntries, parsePasswordFile } from './password-file.ts';
import { PasswordVerifier } from './password-verifier.ts';
import { cheapLine } from './testing/cheap-hash.ts';

const HASHES_AT_ONCE_AND_WAITING = 2 + 256;

/** A verifier over users that `become` replaces, as a watch does. */
function openVerifier(...lines: string[]) {
  const read = (texts: readonly string[]): PasswordEntries => parsePasswordFile(texts.join(''), 'test');
  const time = { ms: 0 };
  const users = { records: read(lines), version: 1 };
  const verifier = new PasswordVerifier(users, { now: () => time.ms });
  const verify = async (user: string, password: string) => (await verifier.verify(user, Buffer.from(password))).type;
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
    assert.equal(await verify('carol', 'a'), 'wrong');
    assert.equal(await verify('alice', ''), 'wrong');
  });

  test('nobody gets in where there are no users, not even with the hash that stands in for one', async () => {
    const { verify } = openVerifier();
    assert.equal(await verify('alice', ''), 'wrong');
  });

  test('a crowd is bounded, and unknown users take hashing slots as known ones do', async () => {
    for (const user of ['alice', 'nobody']) {
      const { verify } = openVerifier(cheapLine('alice', 'a'));
      const answers = await Promise.all(
        Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 10 }, () => verify(user, 'wrong')),
      );
      assert.equal(answers.filter((answer) => answer === 'wrong').length, HASHES_AT_ONCE_AND_WAITING);
      assert.equal(answers.filter((answer) => answer === 'overloaded').length, 10);
    }
  });

  test('a password that was right is remembered for a minute, a wrong one never', async () => {
    const { verifier, time } = openVerifier(cheapLine('alice', 'a'));
    const right = () => verifier.verify('alice', Buffer.from('a'));
    assert.deepEqual(await right(), { type: 'verified', cached: false });
    assert.deepEqual(await right(), { type: 'verified', cached: true });
    assert.deepEqual(await verifier.verify('alice', Buffer.from('b')), { type: 'wrong' });
    time.ms = 60_001;
    assert.deepEqual(await right(), { type: 'verified', cached: false });
  });
});

describe('users that change', () => {
  test('count at once; a password that was right is not remembered beyond the hash it was right for', async () => {
    const { verify, become } = openVerifier(cheapLine('alice', 'a'));
    assert.equal(await verify('alice', 'a'), 'verified');
    assert.equal(await verify('bob', 'b'), 'wrong');
    become(cheapLine('alice', 'new'), cheapLine('bob', 'b'));
    assert.equal(await verify('alice', 'a'), 'wrong');
    assert.equal(await verify('alice', 'new'), 'verified');
    assert.equal(await verify('bob', 'b'), 'verified');
    become();
    assert.equal(await verify('bob', 'b'), 'wrong');
  });

  test('nobody gets in with a password that was withdrawn while it was hashed, nor is it remembered', async () => {
    const alice = cheapLine('alice', 'a');
    const { verifier, verify, become } = openVerifier(alice);
    const underWay = verify('alice', 'a');
    become();
    assert.equal(await underWay, 'wrong');
    become(alice);
    assert.deepEqual(await verifier.verify('alice', Buffer.from('a')), { type: 'verified', cached: false });
  });
});

describe('authenticating', () => {
  const client = { clientId: 'c', address: '127.0.0.1' };
  const nobody = { ...client, username: undefined, password: undefined };
  const alice = { ...client, username: 'alice', password: Buffer.from('a') };

  test('users by password; strangers only where they are welcome', async () => {
    const { verifier } = openVerifier(cheapLine('alice', 'a'));
    const closed = createAuthenticator(verifier, false);
    const open = createAuthenticator(verifier, true);
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
    const { verifier } = openVerifier(cheapLine('alice', 'a'));
    const open = createAuthenticator(verifier, true);
    const refused = { type: 'refused', reasonCode: 0x86 };
    assert.deepEqual(await open.authenticate({ ...alice, password: Buffer.from('b') }), refused);
    assert.deepEqual(await open.authenticate({ ...alice, password: undefined }), refused);
    assert.deepEqual(await open.authenticate({ ...nobody, password: Buffer.from('a') }), refused);
  });

  test('without a verifier a claimed name proves nothing', async () => {
    const outcome = await createAuthenticator(undefined, true).authenticate(alice);
    assert.deepEqual(outcome, { type: 'allowed', identity: undefined, method: 'anonymous', cached: false });
    assert.equal((await createAuthenticator(undefined, false).authenticate(alice)).type, 'refused');
  });

  test('too many at once is not a wrong password', async () => {
    const { verifier } = openVerifier(cheapLine('alice', 'a'));
    const authenticator = createAuthenticator(verifier, false);
    const outcomes = await Promise.all(
      Array.from({ length: HASHES_AT_ONCE_AND_WAITING + 1 }, () => authenticator.authenticate(alice)),
    );
    assert.equal(outcomes.at(-1)?.type, 'unavailable');
  });
});
