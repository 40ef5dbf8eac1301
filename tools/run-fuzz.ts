/** `npm run fuzz`: bytes that nobody should send, to the decoder and to a whole broker. Ends with 1 if something was found. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ConnectionReport, fuzzConnections } from '../test/fuzz/connection-fuzz.ts';
import { type DecoderReport, fuzzDecoder } from '../test/fuzz/decoder-fuzz.ts';
import type { Settings } from '../test/support/test-settings.ts';

type Target = 'decoder' | 'connection';

interface Options {
  readonly seed: number;
  readonly minutes: number;
  readonly only?: Target;
  readonly set: Settings;
}

const TARGETS: readonly Target[] = ['decoder', 'connection'];
const MIB = 1024 * 1024;

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('not a number');
  return value;
}

function setting(assignment: string, earlier: Settings): Settings {
  const [key, value] = assignment.split('=');
  if (key === undefined || value === undefined) throw new InvalidArgumentError('not key=value');
  return { ...earlier, [key]: value };
}

function parse(): Options {
  return new Command('fuzz')
    .description('Sends mutated and misplaced packets to the decoder and to a broker, and looks for harm done')
    .option('--seed <number>', 'brings the inputs of an earlier run again', number, randomInt(2 ** 31))
    .option('--minutes <number>', 'how long, over all targets', number, 1)
    .addOption(new Option('--only <target>', 'one of the targets').choices([...TARGETS]))
    .option('--set <key=value>', 'a setting of the broker; may be repeated', setting, {})
    .parse()
    .opts<Options>();
}

function tellDecoder({ inputs, findings, paths, slowestMs, slowest }: DecoderReport, seconds: number): number {
  const rate = Math.round(inputs / seconds);
  console.log(`decoder: ${inputs} inputs (${rate}/s), ${paths.size} paths, ${findings.length} findings`);
  console.log(`  slowest with all checks: ${slowestMs.toFixed(2)} ms for ${slowest.length} bytes`);
  for (const { error, version, bytes } of findings) {
    console.log(`  FOUND, in version ${version}: ${bytes.toString('hex')}\n${error.stack ?? error.message}`);
  }
  return findings.length;
}

function tellConnections(report: ConnectionReport, seconds: number): number {
  const { connections, bytes, findings, longestBusyMs, longestRoundTripMs, witnessed, growthBytes } = report;
  const rate = Math.round(connections / seconds);
  console.log(`connection: ${connections} connections (${rate}/s), ${bytes} bytes, ${findings.length} findings`);
  console.log(
    `  event loop busy for at most ${longestBusyMs.toFixed(1)} ms; held memory ${(growthBytes / MIB).toFixed(1)} MiB more than at first`,
  );
  console.log(`  witnesses: ${witnessed} messages, none lost, longest round trip ${longestRoundTripMs.toFixed(0)} ms`);
  for (const finding of findings) console.log(`  FOUND: ${finding}`);
  return findings.length;
}

async function run(target: Target, { seed, set }: Options, minutes: number): Promise<number> {
  const startedAt = performance.now();
  const elapsedSeconds = (): number => (performance.now() - startedAt) / 1000;
  const isOver = (): boolean => elapsedSeconds() >= minutes * 60;
  if (target === 'decoder') return tellDecoder(await fuzzDecoder(seed, isOver), elapsedSeconds());
  return tellConnections(await fuzzConnections({ seed, settings: set, isOver }), elapsedSeconds());
}

const options = parse();
const targets = options.only === undefined ? TARGETS : [options.only];
console.log(`seed ${options.seed}`);
let found = 0;
for (const target of targets) found += await run(target, options, options.minutes / targets.length);
process.exitCode = found === 0 ? 0 : 1;
