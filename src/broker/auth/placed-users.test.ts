import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { PlacementError } from '../../placement/placement.ts';
import { users } from '../../placement/users.ts';
import { parsePasswordFile } from './password-file.ts';
import { formatPasswordHash } from './password-hash.ts';
import { publishUsers, watchUsers } from './placed-users.ts';
import { cheapLine } from './testing/cheap-hash.ts';

const fileOf = (...names: string[]) => parsePasswordFile(names.map((name) => cheapLine(name, 'a')).join(''), 'test');
const hashText = formatPasswordHash(fileOf('someone').get('someone')!);
const unexpected = (error: PlacementError): void => assert.fail(error);

test('the users of the password file are in placement as they are in the file, and go with it', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchUsers(placement, unexpected);
  await publishUsers(placement, fileOf('alice', 'urn:dev/7'));
  assert.deepEqual(new Map(watched.records), fileOf('alice', 'urn:dev/7'));
  await publishUsers(placement, fileOf('alice'));
  assert.deepEqual([...watched.records.keys()], ['alice']);
  await placement.close();
});

test('users that others entered are known too, and no password file takes them away', async () => {
  const placement = new MemoryPlacement();
  const watched = await watchUsers(placement, unexpected);
  await publishUsers(placement, fileOf('alice'));
  await users.put(placement, 'carol', { passwordHash: hashText, source: 'someone' });
  await publishUsers(placement, fileOf());
  assert.deepEqual([...watched.records.keys()], ['carol']);
  await placement.close();
});

test('a hash that is none is refused by its key, without being quoted', async () => {
  const placement = new MemoryPlacement();
  const refusals: PlacementError[] = [];
  const watched = await watchUsers(placement, (error) => refusals.push(error));
  await publishUsers(placement, fileOf('alice'));
  await users.put(placement, 'alice', { passwordHash: '$hunter2', source: 'someone' });
  assert.deepEqual(new Map(watched.records), fileOf('alice'));
  assert.equal(refusals[0]?.code, 'corrupt');
  assert.match(refusals[0].message, /"user\/alice" is wrong: passwordHash/);
  assert.doesNotMatch(refusals[0].message, /hunter2/);
  await assert.rejects(watchUsers(placement, unexpected), { code: 'corrupt', message: /"user\/alice"/ });
  await placement.close();
});
