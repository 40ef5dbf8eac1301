import { RocksdbPlacement } from '../rocksdb-placement.ts';

/** Writes ever new keys, and tells its parent each one that was acknowledged. */
const placement = await RocksdbPlacement.open(process.argv[2]!);

async function write(writer: number): Promise<never> {
  for (let at = 0; ; at++) {
    const key = `${writer}/${at}`;
    await placement.write([{ type: 'put', key, value: Buffer.from(key) }]);
    process.send!(key);
  }
}

await Promise.all([1, 2, 3, 4, 5].map(write));
