import { spawnSync } from 'node:child_process';
import { BackendError } from './backend-error.ts';

/** For all steps together. On two cores and from nothing both take a quarter of an hour; CI's time is not for them alone. */
const LIMIT_MS = 40 * 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
const LINES_SHOWN = 20;

/** The go command, with whatever proxy, checksum database and caches it is configured for; it leaves the machine to others. */
export class GoCommand {
  readonly #program: string;
  readonly #endsAt = performance.now() + LIMIT_MS;

  constructor(program = 'go') {
    this.#program = program;
  }

  /** A step that needs the network for what is not cached; returns its standard output. */
  fetch(folder: string, ...parameters: string[]): string {
    return this.#run('not_fetched', folder, parameters);
  }

  /** A step for which everything has been fetched. */
  build(folder: string, ...parameters: string[]): void {
    this.#run('not_built', folder, ['build', ...parameters]);
  }

  #run(failure: 'not_fetched' | 'not_built', folder: string, parameters: readonly string[]): string {
    const { status, signal, error, stdout, stderr } = spawnSync('nice', [this.#program, ...parameters], {
      cwd: folder,
      // A workspace above the folder is none of ours.
      env: { ...process.env, GOWORK: 'off' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: Math.max(1, Math.round(this.#endsAt - performance.now())),
    });
    if (status === 0) return stdout;
    // 127: `nice` found no such program.
    if (status === 127) throw new BackendError('go_missing', `${this.#program} is not installed`);
    const lines = stderr.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
    const reason = error?.message ?? signal ?? `exit code ${status}`;
    throw new BackendError(failure, `${this.#program} ${parameters.join(' ')}: ${reason}\n${lines}`, error);
  }
}
