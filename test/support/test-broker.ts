import assert from 'node:assert/strict';
import type { RunningServer } from '../../src/cli/command-context.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Config } from '../../src/config/schema.ts';
import { openPlacement } from '../../src/open-placement.ts';
import type { Placement } from '../../src/placement/placement.ts';
import { startServer } from '../../src/server.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import { balanceOf } from '../../src/telemetry/testing/balance.ts';
import { traceStats } from '../../src/telemetry/trace-stats.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { assignments, type BrokerOptions, type Settings, TestDirectory } from './test-settings.ts';

/** The whole program but its command line, in this process, on free ports, with data of its own. */
export class TestBroker implements AsyncDisposable {
  readonly clock = new ShiftedClock();
  readonly directory: TestDirectory;
  readonly #options: BrokerOptions;
  #server: RunningServer | undefined;
  #placement: Placement | undefined;
  #telemetry: Telemetry | undefined;

  private constructor(directory: TestDirectory, options: BrokerOptions) {
    this.directory = directory;
    this.#options = options;
  }

  static async start(settings: Settings = {}, toml?: string): Promise<TestBroker> {
    const broker = new TestBroker(await TestDirectory.create(), { settings, ...(toml !== undefined && { toml }) });
    try {
      await broker.start();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of the first listener. */
  get port(): number {
    return this.portOf('mqtt');
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.portOf('http')}`;
  }

  /** After `stop`, with the same data; `settings` over those it had. */
  async start(settings: Settings = {}): Promise<void> {
    this.#server = await startServer(this.#config(settings), this.clock, async (config, telemetry, clock) => {
      this.#telemetry = telemetry;
      this.#placement = await openPlacement(config, telemetry, clock);
      return this.#placement;
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
    if (server !== undefined) assertAccounted(this.#telemetry!);
  }

  /** A graceful end and a new beginning with the same data. */
  async restart(settings: Settings = {}): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  /** What SIGHUP does; `settings` over those it had. */
  reload(settings: Settings = {}): Promise<void> {
    return this.#running().reload(this.#config(settings));
  }

  /** The one the broker uses, to change it behind its back. */
  get placement(): Placement {
    if (this.#placement === undefined) throw new Error('the broker was never started');
    return this.#placement;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.directory[Symbol.asyncDispose]();
  }

  portOf(protocol: 'mqtt' | 'http'): number {
    const address = this.#running().addresses.find((candidate) => candidate.protocol === protocol);
    if (address === undefined) throw new Error(`the broker has no ${protocol} listener`);
    return address.port;
  }

  portOfListener(name: string): number {
    const address = this.#running().addresses.find((candidate) => candidate.name === name);
    if (address === undefined) throw new Error(`the broker has no listener ${name}`);
    return address.port;
  }

  #config(settings: Settings): Config {
    const { toml } = this.#options;
    return loadConfig({
      environment: {},
      ...(toml !== undefined && { file: this.directory.write('robustmq.toml', toml) }),
      flags: { dataDir: this.directory.dataDir, set: assignments({ ...this.#options.settings, ...settings }) },
    });
  }

  #running(): RunningServer {
    if (this.#server === undefined) throw new Error('the broker is stopped');
    return this.#server;
  }
}

/** Whatever a test did: every span that was begun has ended, and is counted as something. */
function assertAccounted({ metrics }: Telemetry): void {
  const stats = traceStats(metrics, { bytes: 0, oldestAt: null });
  const { open, undecided, queued } = stats.spans;
  assert.deepEqual({ open, undecided, queued }, { open: 0, undecided: 0, queued: 0 });
  assert.equal(balanceOf(stats), 0);
}
