import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** TOML keys by dotted path, over the tests' own defaults. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface BrokerOptions {
  readonly settings?: Settings;
  /** A configuration file's text, for what `settings` cannot say well (rules). */
  readonly toml?: string;
}

/** Free ports, nothing exported, and a log that speaks of failures alone. */
const DEFAULTS: Settings = {
  'listeners.0.port': 0,
  'admin.port': 0,
  'telemetry.exporter_type': 'none',
  'log.level': 'error',
};

export function assignments(settings: Settings = {}): string[] {
  return Object.entries({ ...DEFAULTS, ...settings }).map(([key, value]) => `${key}=${value}`);
}

/** A folder below the system's temporary one, for one broker: its data and its configuration. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TestDirectory> {
    return new TestDirectory(await mkdtemp(join(tmpdir(), 'robustmq-test-')));
  }

  get dataDir(): string {
    return join(this.path, 'data');
  }

  /** Writes a file into it and returns its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
