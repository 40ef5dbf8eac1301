import { Command, InvalidArgumentError } from 'commander';
import { FAULTS } from './collectors/fault.ts';

export interface BenchOptions {
  /** Empty means all. */
  readonly scenario: readonly string[];
  readonly brokers: readonly string[];
  readonly seconds: number;
  readonly warmup: number;
  readonly rounds: number;
  /** Endpoints, `sink`, or faults; empty: nothing is exported. */
  readonly otlp: readonly string[];
  readonly rate: number;
  /** A file to write to, or true for standard output. */
  readonly json?: string | true;
  readonly markdown?: true;
}

const EXAMPLES = `
Examples:
  npm run bench                                              everything, against all brokers found
  npm run bench -- --scenario qos0-window1 --brokers robustmq,mosquitto
  npm run bench -- --brokers robustmq@HEAD~1,robustmq        this working tree beside another commit
  npm run bench -- --brokers robustmq --rate 1 --otlp sink --scenario qos0-offered-100k
                                                             what becomes of the spans when all are exported
  npm run bench -- --brokers robustmq --otlp sink,dead,slow --scenario qos0-fan-out-4
                                                             what a collector in trouble does to messages
  npm run bench -- --seconds 10 --rounds 5 --markdown        the table of docs/benchmarks.md
`;

export function parseOptions(parameters: readonly string[], scenarios: readonly string[]): BenchOptions {
  return new Command('npm run bench --')
    .description('Load on brokers started for it: processor time, rate, latency, memory.')
    .option('--scenario <names...>', `which of: ${scenarios.join(', ')}`, [])
    .option(
      '--brokers <names>',
      'which brokers, separated by commas; robustmq@<commit> is another commit, robustmq-untraced records nothing, ' +
        '<broker>+20 has another process beside it that uses 20 % of the generator’s core',
      splitNames,
      ['robustmq', 'mosquitto', 'aedes'],
    )
    .option('--seconds <n>', 'how long to measure in each run', positive, 3)
    .option('--warmup <n>', 'seconds of load before measuring', positive, 1)
    .option('--rounds <n>', 'how often each broker runs each scenario, taking turns; medians are shown', positive, 3)
    .option(
      '--otlp <collectors>',
      `let RobustMQ export its traces: to an endpoint, to "sink", which only counts, or to one that is ${FAULTS.join(', ')} as ` +
        'long as the load lasts; several, separated by commas, take turns',
      splitNames,
      [],
    )
    .option('--rate <share>', 'share of the traces RobustMQ chooses: 0.01 is one in a hundred', share, 0.01)
    .option('--json [file]', 'write all runs as JSON, to standard output when no file is named')
    .option('--markdown', 'print the tables for docs/benchmarks.md, with machine and command')
    .addHelpText('after', EXAMPLES)
    .parse([...parameters], { from: 'user' })
    .opts<BenchOptions>();
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('must be a number above 0.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('must be a number from 0 to 1.');
  return value;
}

function splitNames(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
