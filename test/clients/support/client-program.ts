import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Inbox } from '../../support/inbox.ts';

const missing = new Set((process.env.ROBUSTMQ_MISSING_CLIENTS ?? '').split(','));

/** For a test's `skip`: why it cannot run here, or false. */
export function skipWithout(...clients: readonly string[]): string | false {
  const absent = clients.filter((client) => missing.has(client));
  return absent.length > 0 && `${absent.join(' and ')} not installed`;
}

/** Somebody else's MQTT client, run as its users run it; its output line by line. */
export class ClientProgram implements AsyncDisposable {
  /** Exit code and what it said on standard error. */
  readonly exited: Promise<{ readonly code: number | null; readonly errors: string }>;
  readonly #child: ChildProcess;
  readonly #lines = new Inbox<string>((line) => line);

  constructor(command: string, parameters: readonly string[]) {
    const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    createInterface({ input: child.stdout })
      .on('line', (line) => this.#lines.push(line))
      .on('close', () => this.#lines.close(new Error(`${command} ended`)));
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, errors }));
    });
  }

  /** The first line that matches; earlier ones stay. */
  line(pattern: RegExp): Promise<string> {
    return this.#lines.take(String(pattern), (line) => pattern.test(line));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill('SIGKILL');
  }
}
