import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerProcess } from '../../support/broker-process.ts';
import { TestDirectory } from '../../support/test-settings.ts';

const SIZE = '48m';
/** What a broker may still write before its disk is full. */
const LEFT_BYTES = 256 * 1024;

/** Whether this user may mount a file system in a namespace of its own. */
export const maySmallDisk = spawnSync('unshare', ['-rm', 'true']).status === 0;

/** A data directory on a file system of 48 MiB, in a mount namespace that one process keeps and brokers enter. */
export class SmallDisk implements AsyncDisposable {
  readonly #directory: TestDirectory;
  readonly #keeper: ChildProcess;
  readonly #brokers: BrokerProcess[] = [];

  private constructor(directory: TestDirectory, keeper: ChildProcess) {
    this.#directory = directory;
    this.#keeper = keeper;
  }

  static async create(): Promise<SmallDisk> {
    const directory = await TestDirectory.create();
    await mkdir(directory.dataDir);
    const mount = `mount -t tmpfs -o size=${SIZE} tmpfs "$0" && echo mounted && exec cat`;
    const keeper = spawn('unshare', ['-rm', 'sh', '-c', mount, directory.dataDir], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(keeper.stdout!, 'data');
    return new SmallDisk(directory, keeper);
  }

  async startBroker(): Promise<BrokerProcess> {
    const broker = await BrokerProcess.start({
      directory: this.#directory,
      settings: { 'log.level': 'fatal' },
      launcher: ['nsenter', '-t', String(this.#keeper.pid), '-U', '-m', '--preserve-credentials'],
    });
    this.#brokers.push(broker);
    return broker;
  }

  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#inside);
    await writeFile(this.#filler, Buffer.alloc(bavail * bsize - LEFT_BYTES));
  }

  async free(): Promise<void> {
    await rm(this.#filler);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const broker of this.#brokers) await broker[Symbol.asyncDispose]();
    this.#keeper.stdin!.end();
    await once(this.#keeper, 'close');
    await this.#directory[Symbol.asyncDispose]();
  }

  /** The data directory as the keeper's namespace shows it. */
  get #inside(): string {
    return join('/proc', String(this.#keeper.pid), 'root', this.#directory.dataDir);
  }

  get #filler(): string {
    return join(this.#inside, 'filler');
  }
}
