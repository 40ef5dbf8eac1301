import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placementContract } from '../../placement-contract.ts';
import { RocksdbPlacement } from './rocksdb-placement.ts';

const root = await mkdtemp(join(tmpdir(), 'placement-contract-'));
let opened = 0;

placementContract(
  'rocksdb',
  (limits) => RocksdbPlacement.open(join(root, String(opened++)), limits),
  () => rm(root, { recursive: true }),
);
