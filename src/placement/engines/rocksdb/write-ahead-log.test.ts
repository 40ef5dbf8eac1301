import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { RocksdbPlacement } from './rocksdb-placement.ts';
import { findDamage } from './write-ahead-log.ts';

describe('damage in a write-ahead log of RocksDB', () => {
  let directory: string;
  let log: Buffer;
  /** Bytes that the last batch takes at most. */
  const LAST_BATCH_BYTES = 200;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'write-ahead-log-'));
    const placement = await RocksdbPlacement.open(directory);
    for (let at = 0; at < 200; at++) {
      // Nothing the log could compress; some batches cross the blocks of 32 KiB, the last one is small.
      const outputLength = at === 199 ? 1 : at % 50 === 0 ? 40_000 : 300;
      const value = createHash('shake256', { outputLength }).update(String(at)).digest();
      await placement.write([{ type: 'put', key: `key/${at}`, value }]);
    }
    await placement.close();
    const name = (await readdir(directory)).find((file) => file.endsWith('.log'));
    log = await readFile(join(directory, name!));
    assert.ok(log.length > 2 * 32 * 1024);
  });
  after(() => rm(directory, { recursive: true }));

  it('is not found in an intact log', () => {
    assert.equal(findDamage(log), undefined);
  });

  it('is not found in a log cut off anywhere: nobody was promised the torn batch', () => {
    fc.assert(fc.property(fc.nat(log.length), (end) => findDamage(log.subarray(0, end)) === undefined));
  });

  it('is found wherever one bit before the last batch is wrong, at or before that bit', () => {
    const bit = fc.tuple(fc.nat(log.length - LAST_BATCH_BYTES), fc.nat(7));
    fc.assert(
      fc.property(bit, ([at, shift]) => {
        const damaged = Buffer.from(log);
        damaged[at]! ^= 1 << shift;
        const found = findDamage(damaged);
        return found !== undefined && found <= at;
      }),
      { numRuns: 50 },
    );
  });
});
