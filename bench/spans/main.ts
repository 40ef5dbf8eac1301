/** `npm run bench:spans`: what a span costs until it is with a collector, by OpenTelemetry's SDK and by us, in turns. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describeMachine } from '../report/print.ts';
import { median } from '../report/row.ts';
import type { RoundRequest, RoundResult } from './pipeline-process.ts';
import { PIPELINES, SDK, type Urls } from './pipelines.ts';

const ROUNDS = 5;
const WARMUP: RoundRequest = { durationMs: 1000 };
const ROUND: RoundRequest = { durationMs: 400 };

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
  const results: RoundResult[][] = PIPELINES.map(() => []);
  const running = PIPELINES.map((_, index) => start('./pipeline-process.ts', String(index), urls.http, urls.grpc));
  let sent = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    console.error(round === 0 ? 'warming up' : `round ${round} of ${ROUNDS}`);
    for (const [index, child] of running.entries()) {
      const result = await ask<RoundResult>(child, round === 0 ? WARMUP : ROUND);
      if (PIPELINES[index]!.transport !== undefined) sent += result.spans;
      if (round > 0) results[index]!.push(result);
    }
  }
  const { spans } = await ask<{ spans: number }>(receiver, {});
  if (spans !== sent) throw new Error(`${sent} spans were sent, the receiver has ${spans}`);
  console.error(`${sent} spans sent, all received`);
  return results;
}

function nanosEach(results: readonly RoundResult[]): number {
  return median(results.map(({ spans, cpuMicros }) => (cpuMicros * 1000) / spans))!;
}

/** Each beside the SDK as it is without configuration, by the same transport; what is not sent, by the cheaper one. */
function report(results: readonly (readonly RoundResult[])[]): string[] {
  const nanos = results.map(nanosEach);
  const rows = PIPELINES.map(({ name, transport, requestSpans }, index) => {
    const beside = PIPELINES.findIndex((kind) => kind.name === SDK && kind.transport === (transport ?? 'http'));
    const ratio = nanos[beside]! / nanos[index]!;
    return [name, transport ?? 'not sent', requestSpans, Math.round(nanos[index]!), `${ratio.toPrecision(3)}×`];
  });
  const heads = ['spans by', 'sent by', 'spans a request', 'CPU ns a span', 'SDK’s CPU a span'];
  return [heads, ['---', '---', '---:', '---:', '---:'], ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

const receiver = start('./receiver-process.ts');
const [{ httpPort, grpcPort }] = await once(receiver, 'message');
const urls = { http: `http://127.0.0.1:${httpPort}/v1/traces`, grpc: `http://127.0.0.1:${grpcPort}` };
const results = await measure(receiver, urls);
for (const line of describeMachine()) console.log(`- ${line}`);
console.log(`\n${report(results).join('\n')}`);
for (const child of children) child.disconnect();
