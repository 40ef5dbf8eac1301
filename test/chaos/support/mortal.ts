import { type Journal, JournalError } from '../../../src/journal/journal.ts';
import type { Placement } from '../../../src/placement/placement.ts';
import type { Chance } from './chance.ts';

/**
 * One life of a process that uses stores outliving it. What it asks for takes a random number of turns of the event loop,
 * before and after it is done, so that a death can fall before it, or between its being done and its being known; after
 * the death nothing more is done, and nothing is heard of what was.
 */
export class Life {
  /** The journal takes nothing as long as this is true. */
  diskFull = false;
  readonly #chance: Chance;
  #over = false;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  end(): void {
    this.#over = true;
  }

  /** The journal as this life sees it. */
  journal(journal: Journal): Journal {
    return {
      createShard: (shard) => this.#live(() => journal.createShard(shard)),
      append: (shard, batch) =>
        this.#live(async () => {
          if (this.diskFull) throw new JournalError('no_space', 'the disk is full');
          return journal.append(shard, batch);
        }),
      read: (shard, request) => this.#live(() => journal.read(shard, request)),
      bounds: (shard) => this.#live(() => journal.bounds(shard)),
      follow: (shard, onCommit) => journal.follow(shard, (end) => this.#over || onCommit(end)),
      trim: (shard, before) => this.#live(() => journal.trim(shard, before)),
      protect: (shard, holder, from) => journal.protect(shard, holder, from),
      close: () => this.#live(() => journal.close()),
    };
  }

  /** Placement as this life sees it; writes take effect in the order in which they were asked for. */
  placement(placement: Placement): Placement {
    let last: Promise<unknown> = Promise.resolve();
    return {
      get: (key) => this.#live(() => placement.get(key)),
      list: (prefix, page) => this.#live(() => placement.list(prefix, page)),
      write: (writes) => {
        const copied = structuredClone(writes);
        const before = last;
        const written = this.#live(async () => {
          await before;
          return placement.write(copied);
        });
        last = written;
        return written;
      },
      watch: (prefix, onChange) => placement.watch(prefix, (change) => this.#over || onChange(change)),
      close: () => this.#live(() => placement.close()),
    };
  }

  async #live<Value>(work: () => Promise<Value>): Promise<Value> {
    await this.#turns();
    const value = await work();
    await this.#turns();
    return value;
  }

  async #turns(): Promise<void> {
    for (let left = this.#chance.below(4); left > 0 && !this.#over; left -= 1)
      await new Promise((resolve) => setImmediate(resolve));
    if (this.#over) await new Promise(() => undefined);
  }
}
