import { setTimeout as wait } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { MAX_WATCH_SECONDS, MAX_WATCH_TRACES, type WatchRule } from '../telemetry/sampling/watch-rules.ts';
import { AdminClient, AdminClientError, orExplain } from './admin-client.ts';
import type { SignalSource } from './command-context.ts';
import { TraceClient } from './trace-client.ts';
import { addFilterOptions, durationMs, type FilterOptions, filterQuery, positiveInteger } from './trace-options.ts';
import { printEvent, printSentence, type TraceCommandOutput } from './trace-output.ts';
import { printable } from './trace-words.ts';

const PATH = '/api/v1/traces/watches';
/** How often it is asked whether the rule has ended. */
const ASK_MS = 1000;
/** Traces are streamed once they are quiet, so the last ones come after the end. */
const LAST_TRACES_MS = 1000;

interface WatchOptions extends FilterOptions {
  readonly for: number;
  readonly limit: number;
  readonly detach?: true;
  readonly list?: true;
  readonly remove?: string;
}

/** Adds `watch` to `trace`: has traces kept that a running broker would not keep, and shows them. */
export function addTraceWatchCommand(trace: Command, output: TraceCommandOutput, signals: SignalSource): void {
  addFilterOptions(trace.command('watch').description('have every trace of a client or topic kept, and print them'))
    .option('--for <time>', 'how long: 30s, 10m, 2h', timeMs, timeMs('10m'))
    .option('--limit <count>', 'end after so many traces', traceCount, 1000)
    .option('--detach', 'return at once; the broker goes on keeping and exporting them')
    .option('--list', 'say what is watched')
    .option('--remove <id>', 'stop watching')
    .addHelpText(
      'after',
      `
The traces are exported whatever the sampling rate, with robustmq.sampling.reason = watch, by all nodes of
the cluster. Those that this node keeps are printed. Ctrl-C ends watching.

Examples:
  robustmq trace watch --client meter-7 --for 10m
  robustmq trace watch --topic 'alarms/#' --error --limit 100 --detach
  robustmq trace watch --list`,
    )
    .action((options: WatchOptions, command: Command) => orExplain(command, () => watch(options, output, signals)));
}

async function watch(options: WatchOptions, output: TraceCommandOutput, signals: SignalSource): Promise<void> {
  const admin = new AdminClient(options.url);
  if (options.list === true) return list(admin, options, output);
  if (options.remove !== undefined) {
    await remove(admin, options.remove);
    return printSentence('No longer watched.', options, output);
  }
  const response = await admin.request(PATH, { method: 'POST', body: wishOf(options) });
  const rule = (await response.json()) as WatchRule;
  const hint = options.detach === true ? `; robustmq trace watch --remove ${rule.id} ends it` : '; Ctrl-C ends it';
  if (options.detach === true && options.json === true) output.write(`${JSON.stringify(rule)}\n`);
  printSentence(`Watching ${describe(rule)}${hint}.\n`, options, output);
  if (options.detach === true) return;
  try {
    await printUntilEnded(admin, rule, options, output, signals);
  } finally {
    await removeIfThere(admin, rule.id);
  }
}

function wishOf(options: WatchOptions): object {
  const { error, ...conditions } = filterQuery(options);
  // What is undefined, JSON leaves out.
  return { ...conditions, errorsOnly: error, forSeconds: options.for / 1000, limit: options.limit };
}

/** Until the limit has been printed, the rule has ended at the broker, or the user has had enough. */
async function printUntilEnded(
  admin: AdminClient,
  rule: WatchRule,
  options: WatchOptions,
  output: TraceCommandOutput,
  signals: SignalSource,
): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  signals.on('SIGINT', end);
  signals.on('SIGTERM', end);
  const ending = endOf(admin, rule.id, ended.signal).then(end);
  // Whoever reads the stream hears of a broken connection from it.
  ending.catch(() => undefined);
  try {
    let printed = 0;
    for await (const event of new TraceClient(admin.url).tail({ watch: rule.id }, ended.signal)) {
      printEvent(event, options, output);
      if (event.type === 'trace') printed += 1;
      if (printed === rule.limit) return;
    }
  } finally {
    end();
    signals.off('SIGINT', end);
    signals.off('SIGTERM', end);
  }
}

/** Resolves when the rule is gone and its last traces have had time to come; rejects when it is aborted. */
async function endOf(admin: AdminClient, id: string, signal: AbortSignal): Promise<void> {
  while (await isThere(admin, id)) await wait(ASK_MS, undefined, { signal });
  await wait(LAST_TRACES_MS, undefined, { signal });
}

async function isThere(admin: AdminClient, id: string): Promise<boolean> {
  try {
    await admin.request(`${PATH}/${id}`);
    return true;
  } catch (error) {
    if (error instanceof AdminClientError && error.status === 404) return false;
    throw error;
  }
}

async function remove(admin: AdminClient, id: string): Promise<void> {
  await admin.request(`${PATH}/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

async function removeIfThere(admin: AdminClient, id: string): Promise<void> {
  if (await isThere(admin, id)) await remove(admin, id);
}

async function list(admin: AdminClient, options: WatchOptions, output: TraceCommandOutput): Promise<void> {
  const { watches } = (await (await admin.request(PATH)).json()) as { watches: readonly WatchRule[] };
  for (const rule of watches) {
    if (options.json === true) output.write(`${JSON.stringify(rule)}\n`);
    else output.write(`${rule.id}  ${rule.kept} kept  ${describe(rule)}\n`);
  }
  if (watches.length === 0) printSentence('Nothing is watched.', options, output);
}

/** `client meter-7, topic a/#, errors only, until 2023-11-14T22:13:20.000Z or 1000 traces`. */
function describe({ clientId, topic, user, address, minDurationMs, errorsOnly, expiresAt, limit }: WatchRule): string {
  const conditions = [
    clientId === undefined ? [] : `client ${clientId}`,
    topic === undefined ? [] : `topic ${topic}`,
    user === undefined ? [] : `user ${user}`,
    address === undefined ? [] : `address ${address}`,
    minDurationMs === undefined ? [] : `at least ${minDurationMs} ms`,
    errorsOnly === true ? 'errors only' : [],
  ].flat();
  const what = conditions.length === 0 ? 'all traces' : conditions.map(printable).join(', ');
  return `${what}, until ${new Date(expiresAt).toISOString()} or ${limit} traces`;
}

function timeMs(text: string): number {
  const time = durationMs(text);
  if (time === undefined || time === 0) throw new InvalidArgumentError('Expected a time such as 30s, 10m or 2h.');
  if (time < 1000) throw new InvalidArgumentError('Expected at least 1s.');
  if (time <= MAX_WATCH_SECONDS * 1000) return time;
  throw new InvalidArgumentError(`Expected at most ${MAX_WATCH_SECONDS / 86_400}d.`);
}

function traceCount(text: string): number {
  const count = positiveInteger(text);
  if (count <= MAX_WATCH_TRACES) return count;
  throw new InvalidArgumentError(`Expected at most ${MAX_WATCH_TRACES}.`);
}
