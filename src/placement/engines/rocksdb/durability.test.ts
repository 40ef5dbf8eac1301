import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PlacementChange } from '../../placement.ts';
import { RocksdbPlacement } from './rocksdb-placement.ts';

const root = await mkdtemp(join(tmpdir(), 'placement-durability-'));
const child = (name: string) => fileURLToPath(new URL(`./testing/${name}`, import.meta.url));
const put = (key: string, value = 'v') => ({ type: 'put', key, value: Buffer.from(value) }) as const;

/** A database that was closed with `count` writes, each a batch of its own, still in its write-ahead log. */
async function written(name: string, count: number): Promise<{ directory: string; log: string }> {
  const directory = join(root, name);
  const placement = await RocksdbPlacement.open(directory);
  for (let at = 0; at < count; at++) await placement.write([put(`key/${at}`, `value ${at}`)]);
  await placement.close();
  const log = (await readdir(directory)).find((file) => file.endsWith('.log'));
  assert.ok(log !== undefined);
  return { directory, log: join(directory, log) };
}

describe('metadata in RocksDB', () => {
  after(() => rm(root, { recursive: true }));

  it('is there after a restart, and revisions go on growing even when the last write was a delete', async () => {
    const directory = join(root, 'restart');
    const first = await RocksdbPlacement.open(directory);
    const [, deleted] = await first.write([put('a'), { type: 'delete', key: 'b' }]);
    await first.close();
    const second = await RocksdbPlacement.open(directory);
    assert.equal((await second.get('a'))?.revision, deleted!.revision - 1);
    const [next] = await second.write([put('c')]);
    assert.equal(next?.revision, deleted!.revision + 1);
    await second.close();
  });

  it('tells a watch that was there first nothing of what earlier lives wrote', async () => {
    const { directory } = await written('watch', 3);
    const placement = await RocksdbPlacement.open(directory);
    const seen: PlacementChange[] = [];
    placement.watch('', (change) => seen.push(change));
    await placement.write([put('new')]);
    await placement.close();
    assert.deepEqual(
      seen.map((change) => change.key),
      ['new'],
    );
  });

  it('has everything it acknowledged after kill -9', async () => {
    const directory = join(root, 'killed');
    const writer = fork(child('write-until-killed.ts'), [directory], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const acknowledged: string[] = [];
    writer.on('message', (key: string) => {
      acknowledged.push(key);
      if (acknowledged.length === 500) writer.kill('SIGKILL');
    });
    await once(writer, 'exit');
    assert.ok(acknowledged.length >= 500);
    const placement = await RocksdbPlacement.open(directory);
    const found = new Set((await placement.list('')).map((entry) => entry.key));
    assert.deepEqual(
      acknowledged.filter((key) => !found.has(key)),
      [],
    );
    await placement.close();
  });

  it('refuses a database that is open elsewhere', async () => {
    const directory = join(root, 'locked');
    const placement = await RocksdbPlacement.open(directory);
    await assert.rejects(RocksdbPlacement.open(directory), { code: 'locked' });
    await placement.close();
    await (await RocksdbPlacement.open(directory)).close();
  });

  it('refuses a directory that cannot be one', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await assert.rejects(RocksdbPlacement.open(join(file, 'below')), { code: 'io_failed' });
  });

  it('drops a batch torn at the end of the log, which nobody was promised', async () => {
    const { directory, log } = await written('torn', 50);
    await truncate(log, (await readFile(log)).length - 3);
    const placement = await RocksdbPlacement.open(directory);
    assert.equal((await placement.list('key/')).length, 49);
    await placement.close();
  });

  it('refuses damage in the middle of the log, naming file and offset, instead of losing what is behind it', async () => {
    const { directory, log } = await written('damaged', 50);
    const bytes = await readFile(log);
    bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
    await writeFile(log, bytes);
    await assert.rejects(RocksdbPlacement.open(directory), (error: Error & { code: string }) => {
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, new RegExp(`${log} is damaged at offset \\d+`));
      return true;
    });
  });

  it('names a damaged table as corrupt', async () => {
    const { directory } = await written('table', 50);
    await (await RocksdbPlacement.open(directory)).close(); // Recovery moves the log into a table.
    const table = (await readdir(directory)).find((file) => file.endsWith('.sst'))!;
    const bytes = await readFile(join(directory, table));
    await writeFile(join(directory, table), bytes.fill(0x55, 0, 100));
    await assert.rejects(RocksdbPlacement.open(directory), { code: 'corrupt', message: new RegExp(table) });
  });

  it('says no_space on a full disk, still reads, and writes again when space returns', async (test) => {
    const mount = join(root, 'small');
    await mkdir(mount);
    // A file system of its own for one command: needs user namespaces or root.
    const script = `mount -t tmpfs -o size=64m none "$0" && exec "$1" "$2" "$0"`;
    const command = ['-rm', 'sh', '-c', script, mount, process.execPath, child('fill-disk.ts')];
    if (spawnSync('unshare', ['-rm', 'true']).status !== 0) return test.skip('cannot mount a small file system here');
    const { status, stderr } = spawnSync('unshare', command, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});
