/** `npm run bench`: RobustMQ beside other brokers, under the same load, on the same machine, in turns. */
import { writeFileSync } from 'node:fs';
import { aedes } from './brokers/aedes.ts';
import { besideWork } from './brokers/beside-work.ts';
import type { BrokerKind } from './brokers/broker.ts';
import { mosquitto } from './brokers/mosquitto.ts';
import { robustmq, robustmqUntraced } from './brokers/robustmq.ts';
import { robustmqAt } from './brokers/robustmq-at.ts';
import { startCollectors } from './collectors/start-collectors.ts';
import { contestants } from './contestants.ts';
import { canPin, pinGenerator } from './measure/affinity.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { toTables } from './report/columns.ts';
import { describeMachine, toMarkdown, toTerminal } from './report/print.ts';
import { toRows } from './report/row.ts';
import { SCENARIOS } from './scenarios/catalogue.ts';
import { type Entry, play } from './tournament.ts';

const KINDS: readonly BrokerKind[] = [robustmq, robustmqUntraced, mosquitto, aedes];

/** Progress and remarks: standard output holds nothing but the result. */
function say(sentence: string): void {
  console.error(sentence);
}

function brokersOf(names: readonly string[]): BrokerKind[] {
  return names.flatMap((name) => robustmqAt(name) ?? besideWork(name, KINDS) ?? select('broker', KINDS, [name]));
}

function select<Item extends { readonly name: string }>(
  what: string,
  all: readonly Item[],
  names: readonly string[],
): Item[] {
  return names.map((name) => {
    const found = all.find((item) => item.name === name);
    if (found === undefined)
      throw new Error(`no ${what} ${name}; there are ${all.map((item) => item.name).join(', ')}`);
    return found;
  });
}

function installed(kinds: readonly BrokerKind[]): BrokerKind[] {
  return kinds.filter((kind) => {
    const version = kind.version();
    say(version === undefined ? `${kind.name}: NOT INSTALLED, left out` : `${kind.name}: ${version}`);
    return version !== undefined;
  });
}

function report(entries: readonly Entry[], options: BenchOptions, parameters: readonly string[]): void {
  const tables = toTables(toRows(entries));
  const command = ['npm run bench', ...(parameters.length > 0 ? ['--', ...parameters] : [])].join(' ');
  const about = [...describeMachine(), `command: ${command}`];
  if (options.json !== undefined) {
    const text = `${JSON.stringify({ about, entries }, null, 2)}\n`;
    if (options.json !== true) writeFileSync(options.json, text);
    else process.stdout.write(text);
    if (options.json === true) return;
  }
  if (options.markdown) {
    console.log(about.map((line) => `- ${line}`).join('\n'));
    for (const table of tables) console.log(`\n${toMarkdown(table)}`);
  } else {
    for (const table of tables) console.log(toTerminal(table));
  }
}

async function main(parameters: readonly string[]): Promise<void> {
  const options = parseOptions(
    parameters,
    SCENARIOS.map(({ name }) => name),
  );
  const scenarios = options.scenario.length === 0 ? SCENARIOS : select('scenario', SCENARIOS, options.scenario);
  const brokers = installed(brokersOf(options.brokers));
  const pinned = canPin();
  if (pinned) pinGenerator();
  else say('not pinned: broker and generator share the processors (two cores and taskset are needed)');
  const collectors = await startCollectors(options.otlp);
  const entries = await play({
    scenarios,
    contestants: contestants(brokers, collectors.all),
    rounds: options.rounds,
    timing: { warmupMs: options.warmup * 1000, measureMs: options.seconds * 1000 },
    start: { pinned, samplingRate: options.rate },
    onRun: say,
  });
  collectors.stop();
  report(entries, options, parameters);
  if (entries.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

// The brokers are ended on exit, which a signal would otherwise skip.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}
try {
  await main(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
