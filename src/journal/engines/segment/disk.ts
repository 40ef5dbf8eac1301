/**
 * What the segment engine needs of a disk. Errors are the file system's own (`code` ENOSPC, EIO, ENOENT, …): the engine
 * translates them.
 */
export interface Disk {
  /** Creates the folder and its missing parents; durable when it settles. */
  createFolder(path: string): Promise<void>;
  listFolders(path: string): Promise<string[]>;
  listFiles(path: string): Promise<string[]>;
  /** Makes creations and removals in the folder durable. */
  syncFolder(path: string): Promise<void>;
  /** `create` empties a file that exists; `write` and `read` need one. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  /** A file that is missing already is no error. */
  remove(path: string): Promise<void>;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Fills `into` from `position`; returns fewer bytes only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Blocks. Returns how many bytes were written, which may be fewer than given. */
  writeNow(buffers: readonly Uint8Array[], position: number): number;
  /** As writeNow, off the event loop. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Makes what was written durable, with the size needed to find it again (fdatasync). */
  sync(): Promise<void>;
  /** Cuts the file; durable when it settles. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}
