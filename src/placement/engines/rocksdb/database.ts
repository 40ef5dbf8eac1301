import { statfs } from 'node:fs/promises';
import { RocksLevel, type RocksLevelOperation } from '@nxtedition/rocksdb';
import { assert } from '../../../base/errors.ts';
import { planCommit } from '../../commit-plan.ts';
import { compareKeys } from '../../key-order.ts';
import { type ListPage, PlacementError, type PlacementWrite, type WriteOutcome } from '../../placement.ts';
import { databaseError } from './database-error.ts';
import {
  packFrames,
  packOutcomes,
  packWrites,
  REVISION_BYTES,
  readRevision,
  storedValue,
  unpackWrites,
} from './frames.ts';
import { verifyWriteAheadLogs } from './write-ahead-log.ts';

/** Keys of entries are `e` and the key; the store's own state has keys of its own. */
const ENTRY = 'e';
const BEHIND_ENTRIES = Buffer.from('f');
/** The state: format version (1 byte), revision of the last write (8 bytes, big endian). */
const STATE_KEY = Buffer.from('m/state');
const FORMAT_VERSION = 1;

const MEBIBYTE = 1024 * 1024;
export const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  compaction: 'level',
  memtableMemoryBudget: 16 * MEBIBYTE,
  cacheSize: 8 * MEBIBYTE,
} as const;
/** What opening may write: the memtables that the write-ahead log is recovered into. */
const REOPEN_BYTES = 24 * MEBIBYTE;
/** An answer to `list` ends behind this many bytes; the caller asks on. */
const PAGE_BYTES = MEBIBYTE;

export type RocksHandle = Pick<RocksLevel, 'close' | 'batch' | 'querySync'>;
export type OpenHandle = (directory: string) => Promise<RocksHandle>;

/** A group of writes of which an error left open whether it is durable, with what it did if it is. */
interface Doubt {
  readonly writes: readonly PlacementWrite[];
  readonly outcomes: readonly WriteOutcome[];
  readonly revision: number;
}

export interface LateCommit {
  readonly writes: Uint8Array<ArrayBuffer>;
  readonly outcomes: Float64Array<ArrayBuffer>;
}

type State =
  | { readonly type: 'open'; readonly handle: RocksHandle; readonly revision: number }
  /** A write failed. RocksDB answers reads, but refuses writes until it is opened anew. */
  | { readonly type: 'failed'; readonly handle: RocksHandle; readonly doubt: Doubt }
  | { readonly type: 'shut'; readonly doubt: Doubt | undefined };

/**
 * The metadata in RocksDB. Everything here blocks the thread it runs on, so it has one of its own (database-worker.ts),
 * which calls one method at a time.
 */
export class Database {
  readonly #directory: string;
  readonly #openHandle: OpenHandle;
  #state: State = { type: 'shut', doubt: undefined };
  #late: LateCommit | undefined;

  private constructor(directory: string, openHandle: OpenHandle) {
    this.#directory = directory;
    this.#openHandle = openHandle;
  }

  static async open(directory: string, openHandle: OpenHandle = openRocksLevel): Promise<Database> {
    const database = new Database(directory, openHandle);
    await database.#guard(() => database.#open(undefined));
    return database;
  }

  /** The entry as frames (frames.ts); none when it is absent. */
  get(key: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#guard(async () => packFrames(entryFrames(await this.#readable(), entryKey(key))));
  }

  list(prefix: string, page: ListPage): Promise<{ entries: Uint8Array<ArrayBuffer>; finished: boolean }> {
    return this.#guard(async () => {
      const handle = await this.#readable();
      const { after, limit } = page;
      const start =
        after !== undefined && compareKeys(after, prefix) >= 0 ? { gt: entryKey(after) } : { gte: entryKey(prefix) };
      const { rows, finished } = handle.querySync({
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        ...start,
        lt: behindPrefix(prefix),
        ...(limit === undefined ? {} : { limit }),
        highWaterMarkBytes: PAGE_BYTES,
      });
      return { entries: packFrames(checkedFrames(rows)), finished };
    });
  }

  /** One synced batch for the whole group. */
  write(packed: Uint8Array): Promise<Float64Array<ArrayBuffer>> {
    return this.#guard(async () => {
      const { handle, revision } = await this.#writable();
      const writes = unpackWrites(packed);
      const plan = planCommit(writes, revision, (key) => revisionOf(handle, key));
      if (plan.changes.length > 0) {
        const operations: RocksLevelOperation[] = plan.changes.map((change) =>
          change.type === 'put'
            ? { type: 'put', key: entryKey(change.key), value: storedValue(change.revision, change.value) }
            : { type: 'del', key: entryKey(change.key) },
        );
        operations.push({ type: 'put', key: STATE_KEY, value: packState(plan.revision) });
        try {
          await handle.batch(operations, { sync: true });
        } catch (error) {
          const doubt = { writes, outcomes: plan.outcomes, revision: plan.revision };
          this.#state = { type: 'failed', handle, doubt };
          throw error;
        }
        this.#state = { type: 'open', handle, revision: plan.revision };
      }
      return packOutcomes(plan.outcomes);
    });
  }

  /** A group that was reported as failed and turned out to be durable. Given once. */
  takeLate(): LateCommit | undefined {
    const late = this.#late;
    this.#late = undefined;
    return late;
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { type: 'shut', doubt: undefined };
    if (state.type === 'open') await this.#guard(() => state.handle.close());
    if (state.type === 'failed') await closeFailed(state.handle);
  }

  async #readable(): Promise<RocksHandle> {
    return this.#state.type === 'shut' ? (await this.#open(this.#state.doubt)).handle : this.#state.handle;
  }

  async #writable(): Promise<State & { type: 'open' }> {
    const state = this.#state;
    if (state.type === 'open') return state;
    if (state.type === 'shut') return this.#open(state.doubt);
    // Opening needs space. As long as there is none, better be read as it is than not at all.
    const { bavail, bsize } = await statfs(this.#directory);
    if (bavail * bsize < REOPEN_BYTES) {
      const message = `no space for metadata in ${this.#directory}: ${bavail * bsize} bytes free, ${REOPEN_BYTES} needed`;
      throw new PlacementError('no_space', message);
    }
    this.#state = { type: 'shut', doubt: state.doubt };
    await closeFailed(state.handle);
    return this.#open(state.doubt);
  }

  async #open(doubt: Doubt | undefined): Promise<State & { type: 'open' }> {
    const handle = await this.#openHandle(this.#directory);
    try {
      const state = { type: 'open', handle, revision: readState(this.#directory, handle) } as const;
      if (doubt !== undefined && doubt.revision === state.revision) {
        this.#late = { writes: packWrites(doubt.writes), outcomes: packOutcomes(doubt.outcomes) };
      }
      this.#state = state;
      return state;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw databaseError(this.#directory, error);
    }
  }
}

async function openRocksLevel(directory: string): Promise<RocksLevel> {
  await verifyWriteAheadLogs(directory);
  const handle = new RocksLevel(directory, OPTIONS);
  await handle.open();
  return handle;
}

/** Closing repeats the error of the write that failed, which its caller has been told; it lets go of the files all the same. */
async function closeFailed(handle: RocksHandle): Promise<void> {
  await handle.close().catch(() => undefined);
}

function entryKey(key: string): Buffer {
  return Buffer.from(ENTRY + key);
}

/** The first key above all that start with `prefix`. UTF-8 has no byte 0xFF, so the last byte can be counted up. */
function behindPrefix(prefix: string): Buffer {
  if (prefix === '') return BEHIND_ENTRIES;
  const end = entryKey(prefix);
  end[end.length - 1]! += 1;
  return end;
}

function lookUp(handle: RocksHandle, key: Buffer): Uint8Array[] {
  return handle.querySync({ keyEncoding: 'buffer', valueEncoding: 'buffer', gte: key, lte: key, limit: 1 }).rows;
}

function entryFrames(handle: RocksHandle, key: Buffer): Uint8Array[] {
  return checkedFrames(lookUp(handle, key));
}

/** Rows as frames, their keys without the mark of entries. */
function checkedFrames(rows: readonly Uint8Array[]): Uint8Array[] {
  return rows.map((row, at) => {
    if (at % 2 === 0) return row.subarray(ENTRY.length);
    if (row.length >= REVISION_BYTES) return row;
    const key = Buffer.from(rows[at - 1]!.subarray(ENTRY.length)).toString();
    throw new PlacementError('corrupt', `the value of ${JSON.stringify(key)} has no revision (${row.length} bytes)`);
  });
}

function revisionOf(handle: RocksHandle, key: string): number {
  const stored = entryFrames(handle, entryKey(key))[1];
  return stored === undefined ? 0 : readRevision(Buffer.from(stored));
}

function packState(revision: number): Buffer {
  return Buffer.concat([Buffer.of(FORMAT_VERSION), storedValue(revision, Buffer.alloc(0))]);
}

function readState(directory: string, handle: RocksHandle): number {
  const stored = lookUp(handle, STATE_KEY)[1];
  if (stored === undefined) return 0;
  const state = Buffer.from(stored);
  if (state[0] !== FORMAT_VERSION || state.length !== 1 + REVISION_BYTES) {
    const message = `the metadata in ${directory} has format ${state[0]} (${state.length} bytes), not ${FORMAT_VERSION}`;
    throw new PlacementError('corrupt', message);
  }
  const revision = readRevision(state.subarray(1));
  assert(Number.isSafeInteger(revision), 'a revision is a safe integer');
  return revision;
}
