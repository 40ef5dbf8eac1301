import { type Command, InvalidArgumentError } from 'commander';
import type { TraceDocument } from '../telemetry/trace-document.ts';
import { adminOption, orExplain } from './admin-client.ts';
import { TraceClient, type TraceEvent } from './trace-client.ts';
import { renderTrace } from './trace-tree.ts';

/** Where the command writes, and how. */
export interface TraceCommandOutput {
  write(text: string): unknown;
  readonly isColoured: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly width: number | undefined;
  readonly now: () => number;
}

interface CommonOptions {
  readonly url: string;
  readonly json?: boolean;
}
interface FilterOptions extends CommonOptions {
  readonly client?: string;
  readonly topic?: string;
  readonly minDuration?: number;
  readonly error?: boolean;
}
interface TailOptions extends FilterOptions {
  readonly limit?: number;
}
interface FindOptions extends FilterOptions {
  readonly since?: string;
  readonly limit: number;
}

/** Adds `trace tail | show | find` to the program. */
export function addTraceCommand(program: Command, output: TraceCommandOutput): void {
  const trace = program.command('trace').description('show the traces of a running broker');

  addFilterOptions(trace.command('tail').description('print each new trace, once no more spans come for it'))
    .option('--limit <count>', 'stop after so many traces', positiveInteger)
    .addHelpText('after', '\nExamples:\n  robustmq trace tail\n  robustmq trace tail --topic "sensors/#" --error')
    .action((options: TailOptions, command: Command) => orExplain(command, () => tail(options, output)));

  addCommonOptions(trace.command('show').description('print one trace').argument('<trace id>', '32 hex digits'))
    .addHelpText('after', '\nExample:\n  robustmq trace show 4bf92f3577b34da6a3ce929d0e0e4736')
    .action((traceId: string, options: CommonOptions, command: Command) =>
      orExplain(command, async () => {
        const found = await new TraceClient(options.url).show(traceId.toLowerCase());
        print(found, options, output);
      }),
    );

  addFilterOptions(trace.command('find').description('print recent traces, the newest last'))
    .option('--since <time>', 'begun since then: 30s, 5m, 2h, 1d ago, or an ISO 8601 time')
    .option('--limit <count>', 'at most so many', positiveInteger, 20)
    .addHelpText(
      'after',
      '\nExamples:\n  robustmq trace find --error --since 5m\n  robustmq trace find --client meter-7',
    )
    .action((options: FindOptions, command: Command) => orExplain(command, () => find(options, output)));
}

async function tail(options: TailOptions, output: TraceCommandOutput): Promise<void> {
  let printed = 0;
  for await (const event of new TraceClient(options.url).tail(filterQuery(options))) {
    printEvent(event, options, output);
    if (event.type === 'trace') printed += 1;
    if (printed === options.limit) return;
  }
}

async function find(options: FindOptions, output: TraceCommandOutput): Promise<void> {
  const since = options.since === undefined ? undefined : sinceTime(options.since, output.now());
  const query = { ...filterQuery(options), since, limit: options.limit };
  const traces = await new TraceClient(options.url).find(query);
  for (const trace of traces.toReversed()) print(trace, options, output);
  if (traces.length === 0 && options.json !== true) output.write('No trace matches.\n');
}

function printEvent(event: TraceEvent, options: CommonOptions, output: TraceCommandOutput): void {
  if (event.type === 'trace') print(event.trace, options, output);
  else if (options.json !== true) output.write(`(${event.count} traces skipped: there are too many to print)\n\n`);
}

function print(trace: TraceDocument, options: CommonOptions, output: TraceCommandOutput): void {
  if (options.json === true) output.write(`${JSON.stringify(trace)}\n`);
  else output.write(`${renderTrace(trace, output)}\n`);
}

function filterQuery(options: FilterOptions) {
  const { client, topic, minDuration, error } = options;
  return { clientId: client, topic, minDurationMs: minDuration, error };
}

function addCommonOptions(command: Command): Command {
  return command.addOption(adminOption()).option('--json', 'print JSON with everything, one trace a line');
}

function addFilterOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--client <id>', 'only traces in which this client took part')
    .option('--topic <filter>', 'only traces of topics that match this MQTT topic filter')
    .option('--min-duration <ms>', 'only traces that took at least so many milliseconds', milliseconds)
    .option('--error', 'only traces in which something failed');
}

/** Unix milliseconds of `5m` (ago) or of an ISO 8601 time. */
export function sinceTime(text: string, now: number): number {
  const ago = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new InvalidArgumentError(`--since ${text}: expected 30s, 5m, 2h, 1d or an ISO 8601 time.`);
}
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (value >= 0) return value;
  throw new InvalidArgumentError('Expected a number of milliseconds.');
}
