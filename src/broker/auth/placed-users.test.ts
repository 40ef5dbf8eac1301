import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { PlacementError } from '../../placement/placement.ts';
import { users } from '../../placement/users.ts';
import { PASSWORD_FILE } from './password-file.ts';
import { formatPasswordHash } from './password-hash.ts';
import { PASSWORD_USERS, publishUsers, SCRAM_USERS, watchUsers } from './placed-users.ts';
import { deriveScramCredential, LEAST_ITERATIONS } from './scram-credential.ts';
import { cheapLine } from './testing/cheap-hash.ts';
import { parseUserFile } from './user-file.ts';

const fileOf = (...names: string[]) =>
  parseUserFile(names.map((name) => cheapLine(name, 'a')).join(''), 'test', PASSWORD_FILE);
const hashText = formatPasswordHash(fileOf('someone').get('someone')!);
const unexpected = (error: PlacementError): void => assert.fail(error);

test('the users of the password file are in placement as they are in the file, and go with it', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchUsers(placement, PASSWORD_USERS, unexpected);
  await publishUsers(placement, PASSWORD_USERS, fileOf('alice', 'urn:dev/7'));
  assert.deepEqual(new Map(watched.records), fileOf('alice', 'urn:dev/7'));
  await publishUsers(placement, PASSWORD_USERS, fileOf('alice'));
  assert.deepEqual([...watched.records.keys()], ['alice']);
  await placement.close();
});

test('users that others entered are known too, and no password file takes them away', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchUsers(placement, PASSWORD_USERS, unexpected);
  await publishUsers(placement, PASSWORD_USERS, fileOf('alice'));
  await users.put(placement, 'carol', { passwordHash: hashText, source: 'someone' });
  await publishUsers(placement, PASSWORD_USERS, fileOf());
  assert.deepEqual([...watched.records.keys()], ['carol']);
  await placement.close();
});

test('a hash that is none is refused by its key, without being quoted', async () => {
  const placement = new MemoryPlacement();
  const refusals: PlacementError[] = [];
  const watched = await watchUsers(placement, PASSWORD_USERS, (error) => refusals.push(error));
  await publishUsers(placement, PASSWORD_USERS, fileOf('alice'));
  await users.put(placement, 'alice', { passwordHash: '$hunter2', source: 'someone' });
  assert.deepEqual(new Map(watched.records), fileOf('alice'));
  assert.equal(refusals[0]?.code, 'corrupt');
  assert.match(refusals[0].message, /"user\/alice" is wrong: passwordHash/);
  assert.doesNotMatch(refusals[0].message, /hunter2/);
  await assert.rejects(watchUsers(placement, PASSWORD_USERS, unexpected), {
    code: 'corrupt',
    message: /"user\/alice"/,
  });
  await placement.close();
});

test('users of SCRAM are beside those with a password, and are others', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchUsers(placement, SCRAM_USERS, unexpected);
  const credential = await deriveScramCredential('pencil', LEAST_ITERATIONS);
  await publishUsers(placement, PASSWORD_USERS, fileOf('alice'));
  await publishUsers(placement, SCRAM_USERS, new Map([['bob', credential!]]));
  assert.deepEqual(new Map(watched.records), new Map([['bob', credential]]));
  await publishUsers(placement, SCRAM_USERS, new Map());
  assert.equal(watched.records.size, 0);
  assert.equal((await users.get(placement, 'alice'))?.value.source, 'password_file');
  await placement.close();
});
