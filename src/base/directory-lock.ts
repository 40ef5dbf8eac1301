import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from './errors.ts';

export type DirectoryLockErrorCode = 'locked' | 'io_failed';

export class DirectoryLockError extends CodedError<DirectoryLockErrorCode> {}

/** Who holds a directory, for whoever is refused. */
export interface LockHolder {
  readonly pid: number;
  /** Unix milliseconds. */
  readonly since: number;
  readonly nodeId: string;
  /** Where its admin server listens, if that is known before it is opened. */
  readonly adminAddress?: string;
}

const LOCK_FILE = 'instance.lock';
const HOLDER_FILE = 'instance.json';
const SQLITE_BUSY = 5;

/** A lock that nobody refers to any more would be closed, and so given up, by the garbage collector. */
const heldLocks = new Set<DatabaseSync>();

/**
 * One instance per data directory. The lock is one of the operating system's on an open file, which Node offers only
 * through SQLite: the kernel gives it to one process at a time and takes it back when the process ends, however it
 * ends. So it is never stale, and neither a reused process id nor two containers with equal ids can deceive it. The file
 * beside it says who holds it, and counts for nothing while the lock is free.
 */
export class DirectoryLock {
  readonly #directory: string;
  readonly #lock: DatabaseSync;
  #released = false;

  private constructor(directory: string, lock: DatabaseSync) {
    this.#directory = directory;
    this.#lock = lock;
  }

  /**
   * Creates the directory where it is missing.
   * @throws DirectoryLockError `locked` with a sentence that says who holds it; `io_failed` when it cannot be written
   */
  static async acquire(directory: string, holder: LockHolder): Promise<DirectoryLock> {
    try {
      await mkdir(directory, { recursive: true });
      const lock = tryLock(join(directory, LOCK_FILE));
      if (lock === undefined) throw new DirectoryLockError('locked', await refusal(directory));
      await announce(directory, holder, lock);
      heldLocks.add(lock);
      return new DirectoryLock(directory, lock);
    } catch (error) {
      if (error instanceof DirectoryLockError) throw error;
      throw new DirectoryLockError('io_failed', `cannot lock ${directory}: ${messageOf(error)}`, error);
    }
  }

  /** The files stay for the next instance; deleting a lock file that another may have opened would make two locks of it. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await rm(join(this.#directory, HOLDER_FILE), { force: true });
    heldLocks.delete(this.#lock);
    this.#lock.close();
  }
}

/** `undefined` when another process, or another holder in this one, has the lock. */
function tryLock(file: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    // An exclusive transaction that stays open holds the file; its journal in memory, so that there is no second file.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
}

async function announce(directory: string, holder: LockHolder, lock: DatabaseSync): Promise<void> {
  const file = join(directory, HOLDER_FILE);
  try {
    await writeFile(`${file}.new`, JSON.stringify(holder));
    await rename(`${file}.new`, file);
  } catch (error) {
    lock.close();
    throw error;
  }
}

async function refusal(directory: string): Promise<string> {
  try {
    const holder: LockHolder = JSON.parse(await readFile(join(directory, HOLDER_FILE), 'utf8'));
    const { nodeId, pid, adminAddress } = holder;
    const admin = adminAddress === undefined ? '' : `, admin at ${adminAddress}`;
    const since = new Date(holder.since).toISOString();
    return `${directory} is in use by node ${nodeId} (process ${pid}, since ${since}${admin})`;
  } catch {
    // Not written yet, or just removed: it is only for the sentence.
    return `${directory} is in use by another instance, which is just starting or stopping`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
