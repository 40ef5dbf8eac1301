import { type ChildProcess, spawn } from 'node:child_process';

const START_LIMIT_MS = 60_000;
/** What the Collector logs when all its parts run, and so Jaeger, which is made of it. */
const READY = 'Everything is ready';
const OUTPUT_KEPT = 65_536;

/** A Collector, or a Jaeger, that runs with a configuration file until it is told to end. */
export class BackendProcess implements AsyncDisposable {
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
  }

  /** Settles when it says that it is ready. */
  static async start(executable: string, configurationFile: string): Promise<BackendProcess> {
    const child = spawn(executable, ['--config', configurationFile], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const backend = new BackendProcess(child);
    try {
      await backend.#ready();
      return backend;
    } catch (error) {
      await backend.kill('SIGKILL');
      throw error;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.signal(signal);
    await this.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill('SIGKILL');
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`${this.#child.spawnfile} ${what}: ${this.#output}`));
      const limit = setTimeout(() => fail('was not ready in time'), START_LIMIT_MS);
      const look = () => {
        if (!this.#output.includes(READY)) return;
        clearTimeout(limit);
        resolve();
      };
      for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', look);
      this.#child.once('close', () => {
        clearTimeout(limit);
        fail('ended while starting');
      });
    });
  }
}
