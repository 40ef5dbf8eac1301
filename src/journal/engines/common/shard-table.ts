import { JournalError } from '../../journal.ts';

const SHARD_NAME = /^(?!\.+$)[a-z0-9_$.-]+$/;

/** What can name a shard, and a folder without leading anywhere else. */
export function isShardName(name: string): boolean {
  return SHARD_NAME.test(name);
}

/** The shards an engine holds, by name, and whether the engine still answers. */
export class ShardTable<Shard> {
  readonly #shards = new Map<string, Shard>();
  #closed = false;

  /** @throws JournalError `closed`, `unknown_shard` */
  get(name: string): Shard {
    this.assertOpen();
    const shard = this.#shards.get(name);
    if (shard === undefined) throw new JournalError('unknown_shard', `there is no shard "${name}"`);
    return shard;
  }

  find(name: string): Shard | undefined {
    return this.#shards.get(name);
  }

  add(name: string, shard: Shard): void {
    this.#shards.set(name, shard);
  }

  values(): Shard[] {
    return [...this.#shards.values()];
  }

  /** @throws JournalError `closed` */
  assertOpen(): void {
    if (this.#closed) throw new JournalError('closed', 'the journal is closed');
  }

  close(): void {
    this.#closed = true;
  }
}
