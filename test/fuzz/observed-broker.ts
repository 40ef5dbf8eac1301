import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BrokerProcess, type ProcessEnd } from '../support/broker-process.ts';
import { type Settings, TestDirectory } from '../support/test-settings.ts';

const PROBE = join(import.meta.dirname, 'vitals-probe.ts');

export interface Vitals {
  /** Longest processor time between two turns of the event loop since the last question. */
  readonly longestBusyMs: number;
  /** The heap and what it holds outside of it. */
  readonly heldBytes: number;
  readonly residentBytes: number;
}

/** A broker in a process of its own that can be asked how long its event loop was busy, and what memory it holds. */
export class ObservedBroker implements AsyncDisposable {
  readonly process: BrokerProcess;
  readonly #directory: TestDirectory;

  private constructor(directory: TestDirectory, process: BrokerProcess) {
    this.#directory = directory;
    this.process = process;
  }

  static async start(settings: Settings = {}): Promise<ObservedBroker> {
    const directory = await TestDirectory.create();
    const environment = { NODE_OPTIONS: `--import=${PROBE}`, VITALS_SOCKET: socketIn(directory) };
    try {
      const broker = new ObservedBroker(directory, await BrokerProcess.start({ directory, settings, environment }));
      // The start itself keeps nobody waiting.
      await broker.vitals();
      return broker;
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.process.port;
  }

  get adminUrl(): string {
    return this.process.adminUrl;
  }

  /** How it was since the last question. */
  vitals(): Promise<Vitals> {
    return this.#ask('now');
  }

  /** The same, with nothing in the memory that nobody holds. */
  vitalsAfterCollection(): Promise<Vitals> {
    return this.#ask('gc');
  }

  kill(signal: NodeJS.Signals): Promise<ProcessEnd> {
    return this.process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #ask(question: string): Promise<Vitals> {
    const socket = connect(socketIn(this.#directory));
    socket.write(question);
    return JSON.parse(await text(socket)) as Vitals;
  }
}

function socketIn(directory: TestDirectory): string {
  return join(directory.path, 'vitals.sock');
}
