import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { threadsOf } from './process-usage.ts';

export const BROKER_CORE = 0;
const GENERATOR_CORE = 1;

/** True where broker and generator can each have a core to themselves. */
export function canPin(): boolean {
  return availableParallelism() >= 2 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Moves the threads of that name to the generator's core: what they use is not taken from the broker. */
export function pinBesideGenerator(pid: number, name: string): void {
  for (const thread of threadsOf(pid, name))
    spawnSync('taskset', ['-c', '-p', String(GENERATOR_CORE), thread], { stdio: 'ignore' });
}

/** Moves all threads of this process to the generator's core. */
export function pinGenerator(): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(GENERATOR_CORE), String(process.pid)], { stdio: 'ignore' });
}
