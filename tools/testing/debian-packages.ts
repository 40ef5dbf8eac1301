import { spawnSync } from 'node:child_process';

/** A program or module of other people that tests use: how to see that it is there, and the package that brings it. */
export interface Tool {
  readonly name: string;
  /** Exits with 0 where it is there; for programs whose help exits otherwise, that it runs at all is enough. */
  readonly isThere: () => boolean;
  readonly package: string;
}

const INSTALL_LIMIT_MS = 180_000;

/** Whether the program can be run at all, with whatever exit code. */
export function runs(command: string, ...parameters: string[]): boolean {
  return spawnSync(command, parameters, { stdio: 'ignore' }).error === undefined;
}

/** Installs what is not there, where that is allowed; says aloud and returns what is missing all the same. */
export function provide(tools: readonly Tool[]): Tool[] {
  const wanted = new Set(missing(tools).map((tool) => tool.package));
  if (wanted.size > 0) install([...wanted]);
  const still = missing(tools);
  for (const { name } of still)
    console.log(`SKIPPED: the tests with ${name}, which is not installed (counted as skipped)`);
  return still;
}

const missing = (tools: readonly Tool[]): Tool[] => tools.filter((tool) => !tool.isThere());

function install(packages: readonly string[]): void {
  if (process.getuid?.() !== 0) {
    console.log(`not root, so not installing ${packages.join(', ')}`);
    return;
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const parameters of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
  ]) {
    const { status, error } = spawnSync('apt-get', parameters, {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_LIMIT_MS,
    });
    if (status !== 0) console.log(`apt-get ${parameters[0]} failed: ${error?.message ?? `exit code ${status}`}`);
  }
}
