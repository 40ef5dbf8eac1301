import {
  type AppendResult,
  type Journal,
  JournalError,
  type ReadRequest,
  type ReadResult,
  type ShardBounds,
  type ShardDescription,
} from './journal.ts';
import type { RecordBatch } from './record-batch.ts';

/** Two journals as one: shards that are not durable live in the first, all others in the second. */
export class DurabilityRouter implements Journal {
  readonly #memory: Journal;
  readonly #disk: Journal;
  readonly #inMemory = new Set<string>();
  #creating: Promise<void> = Promise.resolve();

  constructor(memory: Journal, disk: Journal) {
    this.#memory = memory;
    this.#disk = disk;
  }

  /** One after the other: two shards of one name must not come into being on either side. */
  createShard(description: ShardDescription): Promise<void> {
    const created = this.#creating.then(() => this.#create(description));
    this.#creating = created.catch(() => {});
    return created;
  }

  append(shard: string, batch: RecordBatch): Promise<AppendResult> {
    return this.#of(shard).append(shard, batch);
  }

  read(shard: string, request: ReadRequest): Promise<ReadResult> {
    return this.#of(shard).read(shard, request);
  }

  bounds(shard: string): Promise<ShardBounds> {
    return this.#of(shard).bounds(shard);
  }

  follow(shard: string, onCommit: (end: number) => void): () => void {
    return this.#of(shard).follow(shard, onCommit);
  }

  trim(shard: string, before: number): Promise<void> {
    return this.#of(shard).trim(shard, before);
  }

  protect(shard: string, holder: string, from: number | undefined): void {
    this.#of(shard).protect(shard, holder, from);
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled([this.#memory.close(), this.#disk.close()]);
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  async #create(description: ShardDescription): Promise<void> {
    const { name, durable } = description;
    if (durable ? this.#inMemory.has(name) : await this.#isOnDisk(name)) {
      throw new JournalError('shard_mismatch', `shard "${name}" exists with durable = ${!durable}`);
    }
    await (durable ? this.#disk : this.#memory).createShard(description);
    if (!durable) this.#inMemory.add(name);
  }

  /** A shard nobody knows is the durable journal's to refuse. */
  #of(shard: string): Journal {
    return this.#inMemory.has(shard) ? this.#memory : this.#disk;
  }

  async #isOnDisk(shard: string): Promise<boolean> {
    try {
      await this.#disk.bounds(shard);
      return true;
    } catch (error) {
      if (error instanceof JournalError && error.code === 'unknown_shard') return false;
      throw error;
    }
  }
}
