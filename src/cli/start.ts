import type { Command } from 'commander';
import type { Clock } from '../base/clock.ts';
import { programVersion } from '../config/program-version.ts';
import { renderBanner } from './banner.ts';
import type { CommandContext, RunningServer, SignalSource } from './command-context.ts';
import { addConfigOptions, type ConfigOptions, configFrom } from './config-options.ts';
import { explain } from './exit-code.ts';
import { OneAtATime } from './one-at-a-time.ts';

/**
 * A Ctrl-C under `npm start` comes from the terminal and again from npm, which passes it on; so a signal this soon after
 * the first is the same wish, and a later one is impatience.
 */
const SAME_REQUEST_MS = 500;

export class Impatience extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('stopped at once, on a second signal; what was not acknowledged may be lost');
    this.exitCode = exitCode;
  }
}

export function addStartCommand(program: Command, context: CommandContext): void {
  addConfigOptions(program.command('start').description('run the broker until SIGINT or SIGTERM'))
    .addHelpText(
      'after',
      `
SIGINT and SIGTERM let what is under way end, then stop; a second one stops at once. SIGHUP reads the
files of users, keys, access rules and certificates again, and the access rules of the configuration; all
else of it counts from the next start.

Examples:
  robustmq start
  robustmq start --config /etc/robustmq.toml --log-level debug
  robustmq start --listen 127.0.0.1:2883 --data-dir /var/lib/robustmq --set telemetry.sampling.rate=0.01`,
    )
    .action((options: ConfigOptions) => start(options, context));
}

async function start(options: ConfigOptions, context: CommandContext): Promise<void> {
  const config = configFrom(options, context);
  using stop = new StopRequest(context.signals, context.clock);
  const server = await Promise.race([context.startServer(config), stop.forced]);
  context.stdout.write(renderBanner(config, programVersion, server.addresses));
  const reloads = new OneAtATime(() => reloadAndTell(server, options, context));
  const reload = (): void => reloads.request();
  context.signals.on('SIGHUP', reload);
  await stop.requested;
  context.signals.off('SIGHUP', reload);
  reloads.close();
  context.stdout.write('Stopping.\n');
  await Promise.race([server.stop(), stop.forced]);
}

async function reloadAndTell(server: RunningServer, options: ConfigOptions, context: CommandContext): Promise<void> {
  try {
    await server.reload(configFrom(options, context));
  } catch (error) {
    context.stderr.write(`robustmq: not reloaded: ${explain(error).sentence}\n`);
  }
}

/** SIGINT and SIGTERM: the first asks, a second one insists. */
export class StopRequest {
  readonly #asked = Promise.withResolvers<void>();
  readonly #insisted = Promise.withResolvers<never>();
  readonly #signals: SignalSource;
  readonly #clock: Clock;
  readonly #onInterrupt = (): void => this.#receive(130);
  readonly #onTerminate = (): void => this.#receive(143);
  #askedAt: number | undefined;

  constructor(signals: SignalSource, clock: Clock) {
    this.#signals = signals;
    this.#clock = clock;
    signals.on('SIGINT', this.#onInterrupt);
    signals.on('SIGTERM', this.#onTerminate);
    // Whoever races against it hears of it; while nobody does, it is no failure.
    this.#insisted.promise.catch(() => undefined);
  }

  /** Settles with the first signal. */
  get requested(): Promise<void> {
    return this.#asked.promise;
  }

  /** Rejects with Impatience on a second signal; never resolves. */
  get forced(): Promise<never> {
    return this.#insisted.promise;
  }

  #receive(exitCode: number): void {
    const now = this.#clock.now();
    if (this.#askedAt === undefined) {
      this.#askedAt = now;
      this.#asked.resolve();
    } else if (now - this.#askedAt > SAME_REQUEST_MS) this.#insisted.reject(new Impatience(exitCode));
  }

  [Symbol.dispose](): void {
    this.#signals.off('SIGINT', this.#onInterrupt);
    this.#signals.off('SIGTERM', this.#onTerminate);
  }
}
