import { assertKey } from './key-order.ts';
import { PlacementError, type PlacementWrite, type WriteOutcome } from './placement.ts';

export interface WriteQueueLimits {
  /** Bytes of keys and values that may wait; what comes on top is refused with `limit_reached`. */
  readonly pendingBytes: number;
  /** Calls are added to a group until it holds this many bytes. A call is never split. */
  readonly groupBytes: number;
}

const WRITE_QUEUE_LIMITS: WriteQueueLimits = { pendingBytes: 64 * 1024 * 1024, groupBytes: 1024 * 1024 };

/** What a write costs besides its key and value, so that tiny writes are bounded too. */
const WRITE_OVERHEAD_BYTES = 64;

/** What waits, or is being made durable. */
export interface WriteLoad {
  readonly calls: number;
  readonly bytes: number;
}

interface Call {
  readonly writes: readonly PlacementWrite[];
  readonly bytes: number;
  readonly resolve: (outcomes: WriteOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Group commit: while one group is being made durable, the calls that come in wait and form the next one. */
export class WriteQueue {
  readonly #commit: (writes: readonly PlacementWrite[]) => Promise<readonly WriteOutcome[]>;
  readonly #limits: WriteQueueLimits;
  #waiting: Call[] = [];
  #waitingBytes = 0;
  #waitingCalls = 0;
  #draining: Promise<void> | undefined;
  #closed = false;

  /** `commit` is never called again before its promise has settled. */
  constructor(
    commit: (writes: readonly PlacementWrite[]) => Promise<readonly WriteOutcome[]>,
    limits: WriteQueueLimits = WRITE_QUEUE_LIMITS,
  ) {
    this.#commit = commit;
    this.#limits = limits;
  }

  get load(): WriteLoad {
    return { calls: this.#waitingCalls, bytes: this.#waitingBytes };
  }

  write(writes: readonly PlacementWrite[]): Promise<WriteOutcome[]> {
    if (this.#closed) return Promise.reject(closedError());
    if (writes.length === 0) return Promise.resolve([]);
    for (const write of writes) assertKey(write.key);
    const bytes = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    if (this.#waitingBytes + bytes > this.#limits.pendingBytes) {
      const message = `${this.#waitingBytes} bytes of metadata wait to be written; ${bytes} more are over the limit`;
      return Promise.reject(new PlacementError('limit_reached', message));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes: writes.map(copyOf), bytes, resolve, reject });
      this.#waitingBytes += bytes;
      this.#waitingCalls += 1;
      this.#draining ??= this.#drain();
    });
  }

  /** Accepts no more and settles when everything accepted has been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Calls made in the same turn of the microtask queue share the first group.
    await undefined;
    while (this.#waiting.length > 0) await this.#commitGroup(this.#takeGroup());
    this.#draining = undefined;
  }

  #takeGroup(): Call[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < this.#limits.groupBytes)) {
      bytes += this.#waiting[count]!.bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #commitGroup(group: readonly Call[]): Promise<void> {
    try {
      const outcomes = await this.#commit(group.flatMap((call) => call.writes));
      let at = 0;
      for (const call of group) {
        call.resolve(outcomes.slice(at, at + call.writes.length));
        at += call.writes.length;
      }
    } catch (error) {
      for (const call of group) call.reject(error);
    } finally {
      for (const call of group) this.#waitingBytes -= call.bytes;
      this.#waitingCalls -= group.length;
    }
  }
}

export function closedError(): PlacementError {
  return new PlacementError('closed', 'the metadata store is closed');
}

function sizeOf(write: PlacementWrite): number {
  return WRITE_OVERHEAD_BYTES + write.key.length + (write.type === 'put' ? write.value.length : 0);
}

function copyOf(write: PlacementWrite): PlacementWrite {
  return write.type === 'put' ? { ...write, value: new Uint8Array(write.value) } : write;
}
