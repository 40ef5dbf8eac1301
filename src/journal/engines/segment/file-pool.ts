import type { Disk, DiskFile } from './disk.ts';

interface PooledFile {
  readonly opening: Promise<DiskFile>;
  users: number;
}

/**
 * Files open for reading, one per path however many readers it has. Those not in use stay open up to the budget, and the
 * one unused longest is closed first. Only readers that read more different segments at once than the budget exceed it.
 */
export class FilePool {
  readonly #disk: Disk;
  readonly #maxOpen: number;
  readonly #files = new Map<string, PooledFile>();

  constructor(disk: Disk, maxOpen: number) {
    this.#disk = disk;
    this.#maxOpen = maxOpen;
  }

  /** Lends the file to `use` until its promise settles. */
  async with<T>(path: string, use: (file: DiskFile) => Promise<T>): Promise<T> {
    const pooled = this.#files.get(path) ?? { opening: this.#disk.open(path, 'read'), users: 0 };
    this.#files.delete(path);
    this.#files.set(path, pooled);
    pooled.users += 1;
    let opened = false;
    try {
      const file = await pooled.opening;
      opened = true;
      return await use(file);
    } finally {
      pooled.users -= 1;
      if (!opened && this.#files.get(path) === pooled) this.#files.delete(path);
      if (opened && this.#files.get(path) !== pooled && pooled.users === 0) await (await pooled.opening).close();
      await this.#closeDownTo(this.#maxOpen);
    }
  }

  /** Closes the file as soon as nobody reads it. */
  async forget(path: string): Promise<void> {
    const pooled = this.#files.get(path);
    if (pooled === undefined) return;
    this.#files.delete(path);
    if (pooled.users === 0) await (await pooled.opening).close();
  }

  /** No reader may be left. */
  async close(): Promise<void> {
    await this.#closeDownTo(0);
  }

  async #closeDownTo(maxOpen: number): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const [path, pooled] of this.#files) {
      if (this.#files.size <= maxOpen) break;
      if (pooled.users > 0) continue;
      this.#files.delete(path);
      closing.push(pooled.opening.then((file) => file.close()));
    }
    await Promise.all(closing);
  }
}
