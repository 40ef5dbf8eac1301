/** `npm run bench:spans`: what a span costs until it is with a collector, by OpenTelemetry's SDK and by us, in turns. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { describeMachine } from '../report/print.ts';
import { median } from '../report/row.ts';
import { LOAD_KINDS, type LoadKind } from './message-load.ts';
import type { RoundRequest, RoundResult } from './pipeline-process.ts';
import { PIPELINES, SDK, type Urls } from './pipelines.ts';
import type { Transport } from './span-pipeline.ts';

const options = new Command('npm run bench:spans --')
  .description(
    'Processor time of a span until a collector has it: OpenTelemetry’s SDK beside RobustMQ, with the same spans.',
  )
  .addOption(new Option('--messages <kind>', 'only of these messages').choices(LOAD_KINDS))
  .addOption(new Option('--transport <name>', 'only by this transport').choices(['http', 'grpc']))
  .addOption(
    new Option('--rounds <n>', 'how often each is measured, taking turns; medians are shown')
      .default(5)
      .argParser(Number),
  )
  .parse()
  .opts<{ messages?: LoadKind; transport?: Transport; rounds: number }>();
const MEASURED = PIPELINES.filter(
  ({ load, transport }) => load === (options.messages ?? load) && transport === (options.transport ?? transport),
);
/** Long enough for the engine to have compiled what is measured. */
const WARMUP: RoundRequest = { durationMs: 6000 };
const ROUND: RoundRequest = { durationMs: 600 };

const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill();
});

function start(file: string, ...parameters: readonly string[]): ChildProcess {
  const child = fork(new URL(file, import.meta.url), parameters);
  child.once('exit', (code) => {
    if (child.connected || code !== 0) throw new Error(`${[file, ...parameters].join(' ')} ended with ${code}`);
  });
  children.push(child);
  return child;
}

async function ask<Answer>(child: ChildProcess, question: object): Promise<Answer> {
  child.send(question);
  const [answer] = await once(child, 'message');
  return answer as Answer;
}

/** By the position of the pipeline. */
async function measure(receiver: ChildProcess, urls: Urls): Promise<RoundResult[][]> {
  const results: RoundResult[][] = MEASURED.map(() => []);
  const running = MEASURED.map((kind) =>
    start('./pipeline-process.ts', String(PIPELINES.indexOf(kind)), urls.http, urls.grpc),
  );
  let sent = 0;
  for (let round = 0; round <= options.rounds; round += 1) {
    console.error(round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`);
    for (const [index, child] of running.entries()) {
      const result = await ask<RoundResult>(child, round === 0 ? WARMUP : ROUND);
      sent += result.spans;
      if (round > 0) results[index]!.push(result);
    }
  }
  const { spans } = await ask<{ spans: number }>(receiver, {});
  if (spans !== sent) throw new Error(`${sent} spans were sent, the receiver has ${spans}`);
  console.error(`${sent} spans sent, all received`);
  return results;
}

function nanosEach(results: readonly RoundResult[], part: 'cpuMicros' | 'recordingMicros'): number {
  return median(results.map((result) => (result[part] * 1000) / result.spans))!;
}

/** Each beside the SDK as it is without configuration, with the same spans and by the same transport. */
function report(results: readonly (readonly RoundResult[])[]): string[] {
  const rows = MEASURED.map(({ name, load, transport }, index) => {
    const beside = MEASURED.findIndex(
      (kind) => kind.name === SDK && kind.load === load && kind.transport === transport,
    );
    const nanos = nanosEach(results[index]!, 'cpuMicros');
    const ratio = nanosEach(results[beside]!, 'cpuMicros') / nanos;
    const recording = nanosEach(results[index]!, 'recordingMicros');
    return [load, name, transport, Math.round(nanos), Math.round(recording), `${ratio.toPrecision(3)}×`];
  });
  const heads = ['messages', 'spans by', 'sent by', 'CPU ns a span', 'of these on the recording thread', 'SDK ÷ it'];
  return [heads, ['---', '---', '---', '---:', '---:', '---:'], ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

const receiver = start('./receiver-process.ts');
const [{ httpPort, grpcPort }] = await once(receiver, 'message');
const urls = { http: `http://127.0.0.1:${httpPort}/v1/traces`, grpc: `http://127.0.0.1:${grpcPort}` };
const results = await measure(receiver, urls);
for (const line of describeMachine()) console.log(`- ${line}`);
console.log(`\n${report(results).join('\n')}`);
for (const child of children) child.disconnect();
