import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from './backend.ts';
import type { GoCommand } from './go-command.ts';

/** Folders in which something is built begin so, and go on with the builder's process id. */
const BUILDING = 'building-';

/** Where built programs are kept: `ROBUSTMQ_BACKENDS_DIR`, or a folder of the user's cache. */
export function backendsFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment.ROBUSTMQ_BACKENDS_DIR ?? join(homedir(), '.cache', 'robustmq', 'backends');
}

/** Where the program lies when it has been built: a file for each version and recipe. */
export function executableOf({ name, version, recipe }: Backend, folder = backendsFolder()): string {
  const key = createHash('sha256').update(`${process.platform} ${process.arch}\n${recipe}`).digest('hex').slice(0, 8);
  return join(folder, `${name}-${version}-${key}`);
}

/**
 * The path of the program, built if it is not there. Whatever ends this process, the file is there whole or not at all;
 * whoever builds it at the same time makes the same file. Throws BackendError.
 */
export function provideBackend(backend: Backend, go: GoCommand, folder = backendsFolder()): string {
  const executable = executableOf(backend, folder);
  if (existsSync(executable)) return executable;
  mkdirSync(folder, { recursive: true });
  removeAbandoned(folder);
  const building = mkdtempSync(join(folder, `${BUILDING}${process.pid}-`));
  try {
    renameSync(backend.build(go, building), executable);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return executable;
}

/** Removes what processes left that were ended while they built. */
function removeAbandoned(folder: string): void {
  for (const entry of readdirSync(folder)) {
    const processId = new RegExp(`^${BUILDING}(\\d+)-`).exec(entry)?.[1];
    if (processId === undefined || isRunning(Number(processId))) continue;
    rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // EPERM: it runs, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
