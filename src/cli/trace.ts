import type { Command } from 'commander';
import { orExplain } from './admin-client.ts';
import type { SignalSource } from './command-context.ts';
import { TraceClient } from './trace-client.ts';
import {
  addCommonOptions,
  addFilterOptions,
  type CommonOptions,
  type FilterOptions,
  filterQuery,
  positiveInteger,
  sinceTime,
} from './trace-options.ts';
import { printEvent, printSentence, printTrace, type TraceCommandOutput } from './trace-output.ts';
import { renderStats } from './trace-stats.ts';
import { addTraceWatchCommand } from './trace-watch.ts';

interface TailOptions extends FilterOptions {
  readonly limit?: number;
}
interface FindOptions extends FilterOptions {
  readonly since?: string;
  readonly limit: number;
}

/** Adds `trace tail | show | find | watch | stats` to the program. */
export function addTraceCommand(program: Command, output: TraceCommandOutput, signals: SignalSource): void {
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
        printTrace(found, options, output);
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

  addTraceWatchCommand(trace, output, signals);

  addCommonOptions(trace.command('stats').description('say what is recorded, kept, exported and lost'))
    .addHelpText('after', '\nExample:\n  robustmq trace stats')
    .action((options: CommonOptions, command: Command) =>
      orExplain(command, async () => {
        const stats = await new TraceClient(options.url).stats();
        if (options.json === true) output.write(`${JSON.stringify(stats)}\n`);
        else output.write(renderStats(stats, output.now()));
      }),
    );
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
  for (const trace of traces.toReversed()) printTrace(trace, options, output);
  if (traces.length === 0) printSentence('No trace matches.', options, output);
}
