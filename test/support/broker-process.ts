import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { assignments, type BrokerOptions, type TestDirectory } from './test-settings.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const START_LIMIT_MS = 30_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions extends BrokerOptions {
  /** Kept by the caller, so that a second process can have it too. */
  readonly directory: TestDirectory;
  /** Variables beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its arguments that become the broker when they are done (`nsenter …`). */
  readonly launcher?: readonly string[];
}

/** `robustmq start` as a process of its own, as a user starts it; it can be killed. */
export class BrokerProcess implements AsyncDisposable {
  readonly exited: Promise<ProcessEnd>;
  #output = '';
  #errors = '';
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** Spawns it and waits for nothing: `exited` tells of one that refuses to start. */
  static spawn({ directory, settings, toml, environment, launcher = [] }: ProcessOptions): BrokerProcess {
    const file = toml === undefined ? [] : ['--config', directory.write('robustmq.toml', toml)];
    const flags = assignments(settings).flatMap((assignment) => ['--set', assignment]);
    const parameters = [MAIN, 'start', ...file, '--data-dir', directory.dataDir, ...flags];
    const [program, ...before] = [...launcher, process.execPath];
    return new BrokerProcess(
      spawn(program!, [...before, ...parameters], {
        cwd: directory.path,
        env: { PATH: process.env.PATH, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** Spawns it and waits until it says where it listens. */
  static async start(options: ProcessOptions): Promise<BrokerProcess> {
    const broker = BrokerProcess.spawn(options);
    try {
      await broker.#ready();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Of the first listener. */
  get port(): number {
    return Number(/MQTT +\w+:\/\/127\.0\.0\.1:(\d+)/.exec(this.#output)?.[1]);
  }

  get adminUrl(): string {
    return /Admin +(http:\/\/\S+)/.exec(this.#output)![1]!;
  }

  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.#child.kill(signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(this.#failure('did not start in time')), START_LIMIT_MS);
      this.#child.stdout!.on('data', () => {
        // The last line of the banner.
        if (!/^ +Traces .*\n/m.test(this.#output)) return;
        clearTimeout(limit);
        resolve();
      });
      this.#child.once('close', () => {
        clearTimeout(limit);
        reject(this.#failure('ended while starting'));
      });
    });
  }

  #failure(what: string): Error {
    return new Error(`the broker ${what}: ${this.#output}${this.#errors}`);
  }
}
