import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RocksdbPlacement } from '../rocksdb-placement.ts';

/** Run in a file system of 64 MiB: writes until it is full, then makes room and writes on. */
const directory = process.argv[2]!;
const filler = join(directory, 'filler');
const placement = await RocksdbPlacement.open(join(directory, 'metadata'));
const { bavail, bsize } = await statfs(directory);
await writeFile(filler, Buffer.alloc(bavail * bsize - 2 * 1024 * 1024));

const put = (key: string) => placement.write([{ type: 'put', key, value: randomBytes(100_000) }]);
const told: string[] = [];
placement.watch('', (change) => told.push(change.key));
const acknowledged: string[] = [];

async function writeUntilFull(): Promise<unknown> {
  for (let at = 0; at < 1000; at++) {
    try {
      await put(`key/${String(at).padStart(3, '0')}`);
      acknowledged.push(`key/${String(at).padStart(3, '0')}`);
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

const keys = async () => (await placement.list('')).map((entry) => entry.key);
const hasNoSpace = { code: 'no_space' };
await assert.rejects(async () => {
  throw await writeUntilFull();
}, hasNoSpace);
await assert.rejects(put('key/still-full'), hasNoSpace);
assert.deepEqual(await keys(), acknowledged, 'what was acknowledged can be read while the disk is full');

await rm(filler);
const [outcome] = await put('key/later');
assert.equal(outcome?.type, 'written');
assert.deepEqual(await keys(), [...acknowledged, 'key/later']);
assert.deepEqual(told, [...acknowledged, 'key/later']);
await placement.close();

const reopened = await RocksdbPlacement.open(join(directory, 'metadata'));
assert.equal((await reopened.list('')).length, acknowledged.length + 1);
await reopened.close();
