import { readdirSync, readFileSync } from 'node:fs';

/** `/proc/<pid>/stat` counts in ticks of 1/100 s on every Linux that Node runs on. */
const TICK_MS = 10;
/** Positions in `/proc/<pid>/stat` behind the parenthesised command name, see proc(5). */
const USER_TICKS_FIELD = 11;
const SYSTEM_TICKS_FIELD = 12;

/** User and system time of all threads since the process started. */
export function processCpuMs(pid: number): number {
  return parseCpuMs(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Of the thread the process began with: what a program of Node has its messages on. */
export function mainThreadCpuMs(pid: number): number {
  return parseCpuMs(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8'));
}

/** Of the process's threads of that name; 0 where there is none. */
export function threadCpuMs(pid: number, name: string): number {
  let cpuMs = 0;
  for (const thread of threadsOf(pid, name))
    cpuMs += parseCpuMs(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
  return cpuMs;
}

/** Ids of the process's threads of that name. */
export function threadsOf(pid: number, name: string): string[] {
  return readdirSync(`/proc/${pid}/task`).filter(
    (thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim() === name,
  );
}

export function parseCpuMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) * TICK_MS;
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
