import { planCommit } from '../../commit-plan.ts';
import { compareKeys } from '../../key-order.ts';
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

/** Metadata that lives as long as the process: for tests, and for brokers that are to forget. */
export class MemoryPlacement implements Placement {
  readonly #entries = new Map<string, PlacementEntry>();
  /** All keys of `#entries`, in key order. */
  readonly #keys: string[] = [];
  readonly #watchers = new Watchers();
  readonly #queue: WriteQueue;
  #revision = 0;
  #closed = false;

  constructor(limits?: WriteQueueLimits) {
    this.#queue = new WriteQueue((writes) => this.#commit(writes), limits);
  }

  async get(key: string): Promise<PlacementEntry | undefined> {
    if (this.#closed) throw closedError();
    return this.#entries.get(key);
  }

  async list(prefix: string, page: ListPage = {}): Promise<PlacementEntry[]> {
    if (this.#closed) throw closedError();
    const { after, limit = Number.POSITIVE_INFINITY } = page;
    const found: PlacementEntry[] = [];
    const behind = after !== undefined && compareKeys(after, prefix) >= 0;
    let at = behind ? this.#position(after) : this.#position(prefix);
    if (behind && this.#keys[at] === after) at += 1;
    for (; found.length < limit && this.#keys[at]?.startsWith(prefix); at++) {
      found.push(this.#entries.get(this.#keys[at]!)!);
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
    if (this.#closed) throw closedError();
    return this.#watchers.add(prefix, onChange);
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#closed = true;
    this.#watchers.clear();
  }

  async #commit(writes: readonly PlacementWrite[]): Promise<WriteOutcome[]> {
    const plan = planCommit(writes, this.#revision, (key) => this.#entries.get(key)?.revision ?? 0);
    this.#revision = plan.revision;
    for (const change of plan.changes) this.#apply(change);
    this.#watchers.publish(plan.changes);
    return plan.outcomes;
  }

  #apply(change: PlacementChange): void {
    const { key } = change;
    const known = this.#entries.has(key);
    if (change.type === 'put') {
      this.#entries.set(key, { key, value: change.value, revision: change.revision });
      if (!known) this.#keys.splice(this.#position(key), 0, key);
    } else if (known) {
      this.#entries.delete(key);
      this.#keys.splice(this.#position(key), 1);
    }
  }

  /** Index of the first key that is not below `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
