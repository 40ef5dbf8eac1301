import { changesOf } from '../../commit-plan.ts';
import type {
  ListPage,
  Placement,
  PlacementChange,
  PlacementEntry,
  PlacementWrite,
  WriteOutcome,
} from '../../placement.ts';
import { Watchers } from '../../watchers.ts';
import { closedError, type WriteLoad, WriteQueue, type WriteQueueLimits } from '../../write-queue.ts';
import { DatabaseThread } from './database-thread.ts';
import { packWrites, unpackEntries, unpackOutcomes, unpackWrites } from './frames.ts';

/**
 * Metadata in RocksDB. A synced write blocks the thread that makes it for as long as the disk takes, so the database
 * lives on a thread of its own; what is durable is told to the watchers here.
 */
export class RocksdbPlacement implements Placement {
  readonly #watchers = new Watchers();
  readonly #thread = new DatabaseThread(({ writes, outcomes }) => {
    this.#watchers.publish(changesOf(unpackWrites(writes), unpackOutcomes(outcomes)));
  });
  readonly #queue: WriteQueue;
  #closing: Promise<void> | undefined;

  private constructor(limits?: WriteQueueLimits) {
    this.#queue = new WriteQueue((writes) => this.#commit(writes), limits);
  }

  /** Creates the directory where it is missing. Fails with a PlacementError: `locked`, `corrupt`, `no_space`, `io_failed`. */
  static async open(directory: string, limits?: WriteQueueLimits): Promise<RocksdbPlacement> {
    const placement = new RocksdbPlacement(limits);
    try {
      await placement.#thread.ask({ type: 'open', directory }, 'done');
    } catch (error) {
      await placement.#thread.close();
      throw error;
    }
    return placement;
  }

  async get(key: string): Promise<PlacementEntry | undefined> {
    if (this.#closing !== undefined) throw closedError();
    const { entries } = await this.#thread.ask({ type: 'get', key }, 'entries');
    return unpackEntries(entries)[0];
  }

  /** The thread answers in pieces of bounded size, so a long list is no snapshot: what is written meanwhile may show. */
  async list(prefix: string, page: ListPage = {}): Promise<PlacementEntry[]> {
    if (this.#closing !== undefined) throw closedError();
    const { limit = Number.POSITIVE_INFINITY } = page;
    const found: PlacementEntry[] = [];
    let { after } = page;
    while (found.length < limit) {
      const piece: ListPage = {
        ...(after === undefined ? {} : { after }),
        ...(limit === Number.POSITIVE_INFINITY ? {} : { limit: limit - found.length }),
      };
      const { entries, finished } = await this.#thread.ask({ type: 'list', prefix, page: piece }, 'entries');
      for (const entry of unpackEntries(entries)) found.push(entry);
      if (finished) break;
      after = found.at(-1)!.key;
    }
    return found;
  }

  get writeLoad(): WriteLoad {
    return this.#queue.load;
  }

  write(writes: readonly PlacementWrite[]): Promise<WriteOutcome[]> {
    return this.#queue.write(writes);
  }

  watch(prefix: string, onChange: (change: PlacementChange) => void): () => void {
    if (this.#closing !== undefined) throw closedError();
    return this.#watchers.add(prefix, onChange);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    await this.#queue.close();
    await this.#thread.close();
    this.#watchers.clear();
  }

  async #commit(writes: readonly PlacementWrite[]): Promise<WriteOutcome[]> {
    const answer = await this.#thread.ask({ type: 'write', writes: packWrites(writes) }, 'outcomes');
    const outcomes = unpackOutcomes(answer.outcomes);
    this.#watchers.publish(changesOf(writes, outcomes));
    return outcomes;
  }
}
