import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CodedError } from '../../base/errors.ts';
import { PASSWORD_FILE } from './password-file.ts';
import { cheapLine } from './testing/cheap-hash.ts';
import { UserFileWatch } from './user-file-watch.ts';

const NEVER_BY_ITSELF_MS = 1_000_000;
const folder = await mkdtemp(join(tmpdir(), 'robustmq-passwords-'));
after(() => rm(folder, { recursive: true }));
let files = 0;

const [alice, bob] = [cheapLine('alice', 'a'), cheapLine('bob', 'b')];

async function openWatch(text: string, checkEveryMs = NEVER_BY_ITSELF_MS) {
  files += 1;
  const file = join(folder, `passwords-${files}`);
  await writeFile(file, text);
  const published: string[] = [];
  const failures: string[] = [];
  const store = { full: false, onPublished: () => {} };
  const watch = await UserFileWatch.open({
    file,
    form: PASSWORD_FILE,
    async publish(users) {
      if (store.full) throw new CodedError('no_space', 'the disk is full');
      published.push([...users.keys()].join(' '));
      store.onPublished();
    },
    onFailure: ({ code }) => failures.push(code),
    checkEveryMs,
  });
  return { file, watch, published, failures, store };
}

describe('a file of users', () => {
  test('is published at the start, when it changes, and when asked for', async () => {
    const { file, watch, published } = await openWatch(alice);
    await watch.check();
    assert.deepEqual(published, ['alice']);
    await writeFile(file, alice + bob);
    await watch.check();
    await watch.check();
    assert.deepEqual(published, ['alice', 'alice bob']);
    await watch.reload();
    assert.deepEqual(published.at(-1), 'alice bob');
    assert.equal(published.length, 3);
    await watch.close();
  });

  test('is looked at again and again until closed', async () => {
    const { file, watch, published, store } = await openWatch(alice, 1);
    const changed = new Promise<void>((resolve) => {
      store.onPublished = resolve;
    });
    await writeFile(file, bob);
    await changed;
    await watch.close();
    assert.equal(published.at(-1), 'bob');
  });

  test('that becomes malformed or disappears publishes nothing, and is told once', async () => {
    const { file, watch, published, failures } = await openWatch(alice);
    await writeFile(file, 'rubbish\n');
    for (const _ of [1, 2, 3]) await watch.check();
    assert.deepEqual(failures, ['malformed']);
    await assert.rejects(watch.reload(), { code: 'malformed' });
    await rm(file);
    for (const _ of [1, 2]) await watch.check();
    assert.deepEqual(failures, ['malformed', 'unreadable']);
    assert.deepEqual(published, ['alice']);
    await writeFile(file, bob);
    await watch.check();
    await rm(file);
    await watch.check();
    assert.deepEqual(failures, ['malformed', 'unreadable', 'unreadable']);
    assert.deepEqual(published, ['alice', 'bob']);
    await watch.close();
  });

  test('that could not be published is published later, though it has not changed again', async () => {
    const { file, watch, published, failures, store } = await openWatch(alice);
    store.full = true;
    await writeFile(file, bob);
    for (const _ of [1, 2]) await watch.check();
    assert.deepEqual(failures, ['no_space']);
    store.full = false;
    await watch.check();
    assert.deepEqual(published, ['alice', 'bob']);
    await watch.close();
  });

  test('that is unusable from the start is refused by name', async () => {
    const open = (file: string) =>
      UserFileWatch.open({ file, form: PASSWORD_FILE, publish: async () => {}, onFailure: () => {} });
    await assert.rejects(open(join(folder, 'absent')), { code: 'unreadable', message: /absent cannot be read/ });
    const malformed = join(folder, 'malformed');
    await writeFile(malformed, `${alice}rubbish\n`);
    await assert.rejects(open(malformed), { code: 'malformed', message: /malformed:2: / });
  });
});
