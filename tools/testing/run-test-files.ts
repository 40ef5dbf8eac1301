import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SummaryKeeper } from './summary-keeper.ts';

export interface TestRun {
  /** The folder that patterns are relative to. */
  readonly root: string;
  /** Glob patterns. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** For all files together; what still runs then is ended and the run has failed. */
  readonly limitMs: number;
}

const FILES_AT_ONCE = 2;
const TEST_LIMIT_MS = 120_000;

/** Runs the files with Node's own runner, ends the output with its summary, and returns the exit code. */
export async function runTestFiles({ root, include, exclude, limitMs }: TestRun): Promise<number> {
  const files = globSync([...include], { cwd: root, exclude: [...exclude, '**/node_modules/**'] }).sort();
  if (files.length === 0) {
    console.error(`no test files match ${include.join(', ')}`);
    return 1;
  }
  const parameters = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${FILES_AT_ONCE}`,
    `--test-timeout=${TEST_LIMIT_MS}`,
    ...files,
  ];
  // A group of its own, so that the limit ends the test files too, not their runner alone.
  const child = spawn(process.execPath, parameters, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const end = (signal: NodeJS.Signals): boolean => process.kill(-child.pid!, signal);
  const forward = (): void => void end('SIGTERM');
  process.once('SIGINT', forward).once('SIGTERM', forward);
  let expired = false;
  const limit = setTimeout(() => {
    expired = true;
    end('SIGKILL');
  }, limitMs);

  const summary = new SummaryKeeper();
  const exited = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  for await (const line of createInterface({ input: child.stdout })) {
    summary.add(line);
    console.log(line);
  }
  const code = await exited;
  clearTimeout(limit);
  process.off('SIGINT', forward).off('SIGTERM', forward);
  if (expired) console.error(`the tests took longer than ${limitMs / 1000} s and were ended`);
  for (const line of summary.hidden()) console.log(line);
  return expired ? 1 : code;
}
