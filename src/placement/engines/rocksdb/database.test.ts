import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { RocksLevel } from '@nxtedition/rocksdb';
import { Database, OPTIONS, type RocksHandle } from './database.ts';
import { packWrites, unpackEntries, unpackOutcomes, unpackWrites } from './frames.ts';

const root = await mkdtemp(join(tmpdir(), 'placement-database-'));

type Fault = 'none' | 'fails before it is written' | 'fails after it is written';

/** RocksDB with a disk that fails when told to. */
function faultyDisk() {
  const disk = { fault: 'none' as Fault, opened: 0, open };
  async function open(directory: string): Promise<RocksHandle> {
    disk.opened += 1;
    const rocks = new RocksLevel(directory, OPTIONS);
    await rocks.open();
    return {
      close: () => rocks.close(),
      querySync: (query) => rocks.querySync(query),
      batch: async (operations, options) => {
        const { fault } = disk;
        disk.fault = 'none';
        if (fault !== 'fails before it is written') await rocks.batch(operations, options);
        if (fault !== 'none') throw new Error('IO error: While fdatasync: Input/output error');
      },
    };
  }
  return disk;
}

const put = (key: string) => packWrites([{ type: 'put', key, value: Buffer.from(key) }]);

after(() => rm(root, { recursive: true }));

describe('a write that failed', () => {
  it('is told of late when it turns out to be durable: once, with its outcome', async () => {
    const disk = faultyDisk();
    const database = await Database.open(join(root, 'durable'), disk.open);
    await database.write(put('a'));
    disk.fault = 'fails after it is written';
    await assert.rejects(database.write(put('b')), { code: 'io_failed' });
    assert.equal(database.takeLate(), undefined);
    assert.deepEqual(unpackOutcomes(await database.write(put('c'))), [{ type: 'written', revision: 3 }]);
    const late = database.takeLate();
    assert.deepEqual(late && unpackOutcomes(late.outcomes), [{ type: 'written', revision: 2 }]);
    assert.deepEqual(late && unpackWrites(late.writes).map((write) => write.key), ['b']);
    assert.equal(database.takeLate(), undefined);
    assert.equal(unpackEntries(await database.get('b'))[0]?.revision, 2);
    assert.equal(disk.opened, 2);
    await database.close();
  });

  it('is forgotten when it is not', async () => {
    const disk = faultyDisk();
    const database = await Database.open(join(root, 'lost'), disk.open);
    disk.fault = 'fails before it is written';
    await assert.rejects(database.write(put('a')), { code: 'io_failed' });
    assert.deepEqual(unpackOutcomes(await database.write(put('b'))), [{ type: 'written', revision: 1 }]);
    assert.equal(database.takeLate(), undefined);
    assert.deepEqual(unpackEntries(await database.get('a')), []);
    await database.close();
  });

  it('leaves a database that can be closed', async () => {
    const disk = faultyDisk();
    const database = await Database.open(join(root, 'closed'), disk.open);
    disk.fault = 'fails before it is written';
    await assert.rejects(database.write(put('a')));
    await database.close();
    await (await Database.open(join(root, 'closed'))).close();
  });
});

describe('a database written by another version', () => {
  it('is refused', async () => {
    const directory = join(root, 'version');
    const rocks = new RocksLevel(directory, OPTIONS);
    await rocks.open();
    await rocks.batch([{ type: 'put', key: Buffer.from('m/state'), value: Buffer.alloc(9, 7) }], { sync: true });
    await rocks.close();
    await assert.rejects(Database.open(directory), { code: 'corrupt', message: /format 7/ });
  });

  it('has no entry without a revision', async () => {
    const directory = join(root, 'short');
    const rocks = new RocksLevel(directory, OPTIONS);
    await rocks.open();
    await rocks.batch([{ type: 'put', key: Buffer.from('ea/b'), value: Buffer.alloc(7) }], { sync: true });
    await rocks.close();
    const database = await Database.open(directory);
    await assert.rejects(database.get('a/b'), { code: 'corrupt', message: /"a\/b"/ });
    await database.close();
  });
});
