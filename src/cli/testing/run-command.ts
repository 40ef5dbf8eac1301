import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { CommandContext } from '../command-context.ts';
import { runProgram } from '../program.ts';

class Collected {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

/** A world in which a command can run beside the tests: streams and signals that are not the process's. */
export class CommandWorld {
  readonly stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly stdout = new Collected();
  readonly stderr = new Collected();
  readonly signals = new EventEmitter();
  /** Unix milliseconds; stands still until a test moves it. */
  now = 0;
  readonly clock = { now: () => this.now };
  readonly environment: Record<string, string> = {};
  checkTelemetry: CommandContext['checkTelemetry'] = () => Promise.resolve();
  startServer: CommandContext['startServer'] = () => Promise.reject(new Error('this test starts no server'));

  run(...parameters: string[]): Promise<number> {
    return runProgram(parameters, this);
  }
}
