import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportEvents } from './export-events.ts';
import type { ExportLedger, Waiting } from './export-ledger.ts';
import type { SpanBatch } from './span-batch.ts';
import { merged, readSpoolFile, readSpoolHeader, SPOOL_HEADER_BYTES, spoolFile } from './spool-file.ts';

export interface SpoolOptions {
  readonly folder: string;
  /** Of all files together; the oldest go when there is no room for a new one. */
  readonly maxBytes: number;
}

/** A file of the spool, which holds one batch. */
export interface SpooledFile extends Waiting {
  readonly path: string;
}

const NAME_DIGITS = 12;
const FILE_NAME = /^(\d{12})\.spool$/;
/** A file that is being written. What a crash leaves of it is removed at the next start. */
const PART_NAME = /^\d{12}\.part$/;

/**
 * Batches on disk, oldest first, for a collector that is away: over a restart too. Nothing is synced: what an operating
 * system loses when the power fails is found by its checksum. No method rejects; what fails is counted and told of.
 */
export class DiskSpool {
  readonly #options: SpoolOptions;
  readonly #ledger: ExportLedger;
  readonly #events: ExportEvents;
  /** Oldest first. Without those that were taken. */
  readonly #files: SpooledFile[] = [];
  #nextNumber = 1;
  #isFailing = false;

  private constructor(options: SpoolOptions, ledger: ExportLedger, events: ExportEvents) {
    this.#options = options;
    this.#ledger = ledger;
    this.#events = events;
  }

  /** Finds what an earlier run left, by reading the files' headers. A folder that cannot be used is told of, not fatal. */
  static async open(options: SpoolOptions, ledger: ExportLedger, events: ExportEvents): Promise<DiskSpool> {
    const spool = new DiskSpool(options, ledger, events);
    try {
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      for (const name of (await readdir(options.folder)).sort()) await spool.#find(name);
    } catch (error) {
      spool.#failed(error);
    }
    await spool.#makeRoom(0);
    return spool;
  }

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Moves batches from memory to one file; where that fails they are dropped. */
  async write(batches: readonly SpanBatch[]): Promise<void> {
    const batch = merged(batches);
    const waiting = batches.map(waitingInMemory);
    const size = SPOOL_HEADER_BYTES + batch.bytes.length;
    await this.#makeRoom(size);
    if (this.#ledger.spooledBytes + size > this.#options.maxBytes) {
      for (const each of waiting) this.#ledger.dropped('queue', each, 'spool_full');
      return;
    }
    const path = this.#pathOf(this.#nextNumber);
    this.#nextNumber += 1;
    try {
      await this.#writeFile(path, spoolFile(batch));
    } catch (error) {
      for (const each of waiting) this.#ledger.dropped('queue', each, 'spool_failed');
      this.#failed(error);
      return;
    }
    this.#isFailing = false;
    const file = { path, spans: batch.spans, traces: batch.traces, size };
    this.#ledger.spooled(waiting, file);
    this.#files.push(file);
  }

  /** The oldest, which is then the taker's: to be read, and removed or given back. */
  take(): SpooledFile | undefined {
    return this.#files.shift();
  }

  giveBack(file: SpooledFile): void {
    const at = this.#files.findIndex(({ path }) => path > file.path);
    this.#files.splice(at === -1 ? this.#files.length : at, 0, file);
  }

  /** The batch of a file that was taken. Undefined where it cannot be read: it is counted then, and gone. */
  async read(file: SpooledFile): Promise<SpanBatch | undefined> {
    try {
      const batch = readSpoolFile(await readFile(file.path));
      if (batch !== undefined) return batch;
      this.#ledger.corruptFiles += 1;
      this.#ledger.dropped('spool', file, 'spool_corrupt');
    } catch (error) {
      this.#ledger.dropped('spool', file, 'spool_failed');
      this.#failed(error);
    }
    await this.remove(file.path);
    return undefined;
  }

  async remove(path: string): Promise<void> {
    try {
      await rm(path, { force: true });
    } catch (error) {
      this.#failed(error);
    }
  }

  async #find(name: string): Promise<void> {
    const path = join(this.#options.folder, name);
    const number = FILE_NAME.exec(name)?.[1];
    if (number !== undefined) this.#nextNumber = Number(number) + 1;
    else if (!PART_NAME.test(name)) return;
    try {
      const file = number === undefined ? undefined : await this.#readHeader(path);
      if (file === undefined) {
        this.#ledger.corruptFiles += 1;
        await this.remove(path);
        return;
      }
      this.#ledger.restored(file);
      this.#files.push(file);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #readHeader(path: string): Promise<SpooledFile | undefined> {
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SPOOL_HEADER_BYTES), 0, SPOOL_HEADER_BYTES, 0);
      const { size } = await handle.stat();
      const header = readSpoolHeader(buffer.subarray(0, bytesRead), size);
      return header && { path, spans: header.spans, traces: header.traces, size };
    } finally {
      await handle.close();
    }
  }

  async #makeRoom(size: number): Promise<void> {
    while (this.#ledger.spooledBytes + size > this.#options.maxBytes) {
      const oldest = this.#files.shift();
      if (oldest === undefined) return;
      this.#ledger.dropped('spool', oldest, 'spool_full');
      await this.remove(oldest.path);
    }
  }

  /** Under another name first, so that a file that bears its name was written to its end. */
  async #writeFile(path: string, content: Buffer): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    const part = path.replace(/spool$/, 'part');
    try {
      await writeFile(part, content, { mode: 0o600 });
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {}); // It is the first error that counts.
      throw error;
    }
  }

  #pathOf(number: number): string {
    return join(this.#options.folder, `${String(number).padStart(NAME_DIGITS, '0')}.spool`);
  }

  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#events.onSpoolFailing(this.#options.folder, error instanceof Error ? error.message : String(error));
  }
}

/** What a batch counts as while it is in memory. */
export function waitingInMemory({ bytes, spans, traces }: SpanBatch): Waiting {
  return { spans, traces, size: bytes.length };
}
