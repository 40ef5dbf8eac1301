import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client/client.ts';
import { BROKER_CORE, pinBesideGenerator } from '../measure/affinity.ts';
import { EXPORTER_THREAD } from '../measure/interval.ts';
import type { RunningBroker } from './broker.ts';
import { freePort } from './free-port.ts';

export interface Launch {
  /** What to run, given a port and a directory of its own. */
  readonly command: (port: number, directory: string) => readonly string[];
  /** A configuration file to write into the directory first. */
  readonly configuration?: { readonly name: string; readonly text: (port: number, directory: string) => string };
  readonly pinned: boolean;
  /** Where its configuration has it listen for HTTP. */
  readonly adminPort?: number | undefined;
}

interface Place {
  readonly port: number;
  readonly adminPort: number | undefined;
  readonly directory: string;
}

const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5_000;
const POLL_MS = 50;
const LOG_TAIL_CHARACTERS = 2_000;

const running = new Set<BrokerProcess>();
// Whatever ends the bench ends its brokers.
process.on('exit', () => {
  for (const broker of running) broker.abandon();
});

/** Starts a broker in a temporary directory and returns it once it accepts an MQTT connection. */
export async function launch({ command, configuration, pinned, adminPort }: Launch): Promise<RunningBroker> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'robustmq-bench-'));
  if (configuration !== undefined)
    writeFileSync(join(directory, configuration.name), configuration.text(port, directory));
  const broker = new BrokerProcess(command(port, directory), pinned, { port, adminPort, directory });
  try {
    await broker.untilReady();
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

class BrokerProcess implements RunningBroker {
  readonly port: number;
  readonly adminPort: number | undefined;
  private readonly directory: string;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly isPinned: boolean;

  constructor(command: readonly string[], pinned: boolean, { port, adminPort, directory }: Place) {
    this.port = port;
    this.adminPort = adminPort;
    this.directory = directory;
    this.isPinned = pinned;
    const [program, ...parameters] = pinned ? ['taskset', '-c', String(BROKER_CORE), ...command] : command;
    const log = openSync(this.logFile, 'w');
    this.child = spawn(program!, parameters, { cwd: directory, stdio: ['ignore', log, log] });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
    running.add(this);
  }

  get pid(): number {
    return this.child.pid!;
  }

  assertRunning(): void {
    if (this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) return;
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`;
    throw new Error(`the broker ended by itself (${how}): ${this.logTail()}`);
  }

  async untilReady(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (true) {
      this.assertRunning();
      try {
        const client = await Client.connect({ port: this.port, clientId: 'bench-probe' });
        await client.close();
        if (this.isPinned) pinBesideGenerator(this.pid, EXPORTER_THREAD);
        return;
      } catch (error) {
        if (performance.now() > deadline)
          throw new Error(`the broker does not accept connections: ${this.logTail()}`, { cause: error });
        await sleep(POLL_MS);
      }
    }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    const limit = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.exited;
    clearTimeout(limit);
    running.delete(this);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The last resort while this process exits, when nothing can be waited for. */
  abandon(): void {
    this.child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get logFile(): string {
    return join(this.directory, 'output.log');
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS).trim();
  }
}
