import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Disk, DiskFile } from '../disk.ts';

/** What a disk keeps or loses as one piece. */
const SECTOR_BYTES = 512;

type Operation = 'open' | 'write' | 'sync' | 'truncate' | 'syncFolder' | 'remove';

interface Write {
  readonly position: number;
  readonly bytes: Buffer;
}

/** A file's content as programs see it, as the medium has it, and what is on the way between. */
class Inode {
  current: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  unsynced: Write[] = [];
}

/**
 * A disk in memory that forgets like a real one. Until a sync, a crash keeps any sectors of what was written and none of the
 * others, and any of the files that came or went. After a failed sync the kernel holds the pages for clean: a later sync
 * succeeds without writing them.
 */
export class SimulatedDisk implements Disk {
  /** Bytes that files may still grow by. */
  spaceLeft = Number.POSITIVE_INFINITY;
  /** Longest write that is not cut short. */
  maxWriteBytes = Number.POSITIVE_INFINITY;
  openFiles = 0;
  bytesRead = 0;
  syncs = 0;
  #folders = new Set<string>();
  #current = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  readonly #failures = new Map<Operation, string[]>();

  /** The next such operation fails with this code. */
  failNext(operation: Operation, code: string): void {
    this.#failures.set(operation, [...(this.#failures.get(operation) ?? []), code]);
  }

  /** Takes back the failures that have not happened yet. */
  heal(): void {
    this.#failures.clear();
  }

  /** The disk as it is found after the power went. @param chance whether one undecided thing survived */
  crashed(chance: () => boolean): SimulatedDisk {
    const after = new SimulatedDisk();
    after.#folders = new Set(this.#folders);
    for (const path of new Set([...this.#current.keys(), ...this.#durable.keys()])) {
      const inode = this.#current.get(path) ?? this.#durable.get(path)!;
      const settled = this.#current.get(path) === this.#durable.get(path);
      if (settled || chance()) after.put(path, survivors(inode, chance));
    }
    return after;
  }

  paths(): string[] {
    return [...this.#current.keys()].sort();
  }

  contents(path: string): Buffer {
    return Buffer.from(this.#inode(path).current);
  }

  /** Puts a durable file there. */
  put(path: string, content: Buffer): void {
    const inode = new Inode();
    inode.current = Buffer.from(content);
    inode.durable = inode.current;
    this.#current.set(path, inode);
    this.#durable.set(path, inode);
  }

  /** A disk with the same, durable content. */
  copy(): SimulatedDisk {
    return this.crashed(() => true);
  }

  async createFolder(path: string): Promise<void> {
    this.#folders.add(path);
  }

  async listFolders(path: string): Promise<string[]> {
    return [...this.#folders]
      .filter((folder) => dirname(folder) === path)
      .map((folder) => folder.slice(path.length + 1));
  }

  async listFiles(path: string): Promise<string[]> {
    return this.paths()
      .filter((file) => dirname(file) === path)
      .map((file) => file.slice(path.length + 1));
  }

  async syncFolder(path: string): Promise<void> {
    this.checkFailure('syncFolder');
    for (const file of [...this.#durable.keys()])
      if (dirname(file) === path && !this.#current.has(file)) this.#durable.delete(file);
    for (const [file, inode] of this.#current) if (dirname(file) === path) this.#durable.set(file, inode);
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    this.checkFailure('open');
    if (mode === 'create') this.#create(path);
    const inode = this.#inode(path);
    this.openFiles += 1;
    return new SimulatedFile(this, inode);
  }

  async remove(path: string): Promise<void> {
    this.checkFailure('remove');
    this.spaceLeft += this.#current.get(path)?.current.length ?? 0;
    this.#current.delete(path);
  }

  checkFailure(operation: Operation): void {
    const code = this.#failures.get(operation)?.shift();
    if (code !== undefined) throw errno(code);
  }

  #create(path: string): void {
    const existing = this.#current.get(path);
    if (existing === undefined) this.#current.set(path, new Inode());
    else {
      this.spaceLeft += existing.current.length;
      existing.current = Buffer.alloc(0);
      existing.durable = Buffer.alloc(0);
      existing.unsynced = [];
    }
  }

  #inode(path: string): Inode {
    const inode = this.#current.get(path);
    if (inode === undefined) throw errno('ENOENT');
    return inode;
  }
}

class SimulatedFile implements DiskFile {
  readonly #disk: SimulatedDisk;
  readonly #inode: Inode;

  constructor(disk: SimulatedDisk, inode: Inode) {
    this.#disk = disk;
    this.#inode = inode;
  }

  async size(): Promise<number> {
    return this.#inode.current.length;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    await nextTurn();
    const bytes = this.#inode.current.subarray(position, position + into.length);
    into.set(bytes);
    this.#disk.bytesRead += bytes.length;
    return bytes.length;
  }

  writeNow(buffers: readonly Uint8Array[], position: number): number {
    this.#disk.checkFailure('write');
    const all = Buffer.concat(buffers);
    const room = Math.max(0, this.#inode.current.length - position) + this.#disk.spaceLeft;
    const bytes = all.subarray(0, Math.min(room, this.#disk.maxWriteBytes));
    if (bytes.length === 0 && all.length > 0) throw errno('ENOSPC');
    const before = this.#inode.current.length;
    this.#inode.current = written(this.#inode.current, { position, bytes });
    this.#disk.spaceLeft -= this.#inode.current.length - before;
    this.#inode.unsynced.push({ position, bytes: Buffer.from(bytes) });
    return bytes.length;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    await nextTurn();
    return this.writeNow(buffers, position);
  }

  async sync(): Promise<void> {
    await nextTurn();
    const { unsynced } = this.#inode;
    this.#inode.unsynced = [];
    this.#disk.checkFailure('sync');
    this.#disk.syncs += 1;
    for (const write of unsynced) this.#inode.durable = written(this.#inode.durable, write);
  }

  async truncate(length: number): Promise<void> {
    await nextTurn();
    this.#disk.checkFailure('truncate');
    await this.sync();
    this.#disk.spaceLeft += this.#inode.current.length - length;
    this.#inode.current = this.#inode.current.subarray(0, length);
    this.#inode.durable = this.#inode.durable.subarray(0, length);
  }

  async close(): Promise<void> {
    this.#disk.openFiles -= 1;
  }
}

function written(content: Buffer, { position, bytes }: Write): Buffer {
  const result = Buffer.alloc(Math.max(content.length, position + bytes.length));
  result.set(content);
  result.set(bytes, position);
  return result;
}

function survivors(inode: Inode, chance: () => boolean): Buffer {
  let content = Buffer.from(inode.durable);
  for (const { position, bytes } of inode.unsynced) {
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + SECTOR_BYTES - ((position + from) % SECTOR_BYTES));
      if (chance())
        content = Buffer.from(written(content, { position: position + from, bytes: bytes.subarray(from, to) }));
      from = to;
    }
  }
  return content;
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
