import { z } from 'zod';
import { assert } from '../base/errors.ts';
import { Collection } from './collection.ts';
import { takeNumbers } from './durable-counter.ts';
import { type Placement, PlacementError } from './placement.ts';
import { json } from './value-codec.ts';

const MAX_SHARD_NUMBER = 0xffff;

const shardRecord = z.strictObject({
  /** Stands for the shard where its name is too long; never given to another (16 bits, from 1). */
  number: z.int().min(1).max(MAX_SHARD_NUMBER),
  /** Whether an append waits for the disk. */
  durable: z.boolean(),
  /** Unix milliseconds. */
  createdAt: z.number(),
});

export type ShardRecord = z.infer<typeof shardRecord>;

/** The shards of the journal by name. */
export const shards = new Collection<ShardRecord>('shard/', json(shardRecord));

const NUMBER_KEY = 'counter/shard';

/** The shard of this name as it is, or as made now. */
export async function ensureShard(
  placement: Placement,
  name: string,
  settings: Pick<ShardRecord, 'durable' | 'createdAt'>,
): Promise<ShardRecord> {
  const known = await shards.get(placement, name);
  if (known !== undefined) return known.value;
  const number = await takeNumbers(placement, NUMBER_KEY, 1);
  if (number > MAX_SHARD_NUMBER) {
    throw new PlacementError('limit_reached', `shard ${name}: all ${MAX_SHARD_NUMBER} shard numbers are taken`);
  }
  const record = { number, durable: settings.durable, createdAt: settings.createdAt };
  const [outcome] = await placement.write([shards.putting(name, record, 0)]);
  if (outcome?.type === 'written') return record;
  const winner = await shards.get(placement, name);
  assert(winner !== undefined, 'shards are never deleted');
  return winner.value;
}
