import type { TraceDocument } from '../telemetry/trace-document.ts';
import type { TraceEvent } from './trace-client.ts';
import type { CommonOptions } from './trace-options.ts';
import { renderTrace } from './trace-tree.ts';

/** Where the command writes, and how. */
export interface TraceCommandOutput {
  write(text: string): unknown;
  readonly isColoured: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly width: number | undefined;
  readonly now: () => number;
}

export function printEvent(event: TraceEvent, options: CommonOptions, output: TraceCommandOutput): void {
  if (event.type === 'trace') printTrace(event.trace, options, output);
  else printSentence(`(${event.count} traces skipped: there are too many to print)\n`, options, output);
}

export function printTrace(trace: TraceDocument, options: CommonOptions, output: TraceCommandOutput): void {
  if (options.json === true) output.write(`${JSON.stringify(trace)}\n`);
  else output.write(`${renderTrace(trace, output)}\n`);
}

/** For people: where JSON is asked for, nothing else is printed. */
export function printSentence(sentence: string, options: CommonOptions, output: TraceCommandOutput): void {
  if (options.json !== true) output.write(`${sentence}\n`);
}
