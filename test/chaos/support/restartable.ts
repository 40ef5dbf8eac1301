import assert from 'node:assert/strict';
import { BrokerProcess } from '../../support/broker-process.ts';
import { type Settings, TestDirectory } from '../../support/test-settings.ts';

/** A broker in a process of its own that can be killed and started again with the same data. */
export class Restartable implements AsyncDisposable {
  readonly directory: TestDirectory;
  readonly #settings: Settings;
  #process: BrokerProcess;

  private constructor(directory: TestDirectory, settings: Settings, process: BrokerProcess) {
    this.directory = directory;
    this.#settings = settings;
    this.#process = process;
  }

  static async start(settings: Settings = {}): Promise<Restartable> {
    const directory = await TestDirectory.create();
    try {
      return new Restartable(directory, settings, await BrokerProcess.start({ directory, settings }));
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
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
    this.#process = await BrokerProcess.start({ directory: this.directory, settings: this.#settings });
  }

  /** Spawned to see it fail. */
  spawn(): BrokerProcess {
    return BrokerProcess.spawn({ directory: this.directory, settings: this.#settings });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
