import assert from 'node:assert/strict';
import { BrokerProcess, type ProcessOptions } from '../../support/broker-process.ts';
import { type Settings, TestDirectory } from '../../support/test-settings.ts';

/** A broker in a process of its own that can be killed and started again with the same data. */
export class Restartable implements AsyncDisposable {
  readonly #options: ProcessOptions;
  #process: BrokerProcess;

  private constructor(options: ProcessOptions, process: BrokerProcess) {
    this.#options = options;
    this.#process = process;
  }

  static async start(
    settings: Settings = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Restartable> {
    const directory = await TestDirectory.create();
    const options: ProcessOptions = { directory, settings, environment };
    try {
      return new Restartable(options, await BrokerProcess.start(options));
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  get directory(): TestDirectory {
    return this.#options.directory;
  }

  get port(): number {
    return this.#process.port;
  }

  get process(): BrokerProcess {
    return this.#process;
  }

  /** kill -9: the process has no say in it. */
  async kill(): Promise<void> {
    const { signal } = await this.#process.kill('SIGKILL');
    assert.equal(signal, 'SIGKILL', `the broker had ended before: ${this.#process.errors}`);
  }

  /** Again, with the same data. */
  async start(): Promise<void> {
    this.#process = await BrokerProcess.start(this.#options);
  }

  /** Spawned to see it fail. */
  spawn(): BrokerProcess {
    return BrokerProcess.spawn(this.#options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
