import { styleText } from 'node:util';
import type { SpanDocument, TraceDocument } from '../telemetry/trace-document.ts';
import { attributeWords, commonPrefix, formatDuration, printable, type Style } from './trace-words.ts';

export interface TreeOptions {
  readonly isColoured: boolean;
  /** Columns after which attributes go on in the next line; undefined: never. */
  readonly width: number | undefined;
}

type Paint = (style: Style, text: string) => string;

/** A span with the branches drawn in front of its name. */
interface Row {
  readonly branch: string;
  /** What stands below the span in front of its further lines. */
  readonly indent: string;
  readonly span: SpanDocument;
  readonly parent: SpanDocument | undefined;
}

/** The columns of a trace, padded. */
interface Layout {
  readonly name: number;
  readonly offset: number;
  readonly duration: number;
  readonly service: number;
  /** Left out of every service's name. */
  readonly servicePrefix: string;
}

const GAP = '  ';
/** Where less room is left than this, lines are as long as they are. */
const LEAST_ATTRIBUTE_COLUMNS = 30;
const SHOWN_LINKS = 3;
const ERROR_MARK = '✗';

/**
 * Draws a trace: a heading, then for each span its start, duration, service and attributes: those that its parent does not
 * have just so, their names without the namespace.
 */
export function renderTrace(trace: TraceDocument, options: TreeOptions): string {
  const paint: Paint = options.isColoured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
  const rows = rowsOf(trace.spans);
  const layout = layoutOf(rows, trace);
  const lines = rows.flatMap((row) => [
    ...spanLines(row, trace, layout, options.width, paint),
    ...notesOf(row.span, trace).map((note) => `${row.indent}${paint('dim', note)}`),
  ]);
  return `${[headingOf(trace, layout.servicePrefix, paint), ...lines].join('\n')}\n`;
}

function headingOf(trace: TraceDocument, prefix: string, paint: Paint): string {
  const names = [...new Set(trace.spans.map(({ service }) => printable(service.slice(prefix.length))))].sort();
  const parts = [
    paint('bold', `trace ${trace.traceId}`),
    new Date(trace.startedAt).toISOString(),
    formatDuration(trace.durationMs),
    `${trace.spans.length} ${trace.spans.length === 1 ? 'span' : 'spans'}`,
    printable(prefix) + (names.length === 1 ? names.join() : `{${names.join(',')}}`),
  ];
  if (trace.error) parts.push(paint('red', `${ERROR_MARK} failed`));
  return parts.join(GAP);
}

/** Every span once, below its parent, in order of start; spans whose parent is not in the trace stand at the left. */
function rowsOf(spans: readonly SpanDocument[]): Row[] {
  const ids = new Set(spans.map((span) => span.spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) =>
    parentSpanId !== null && ids.has(parentSpanId) ? parentSpanId : null,
  );
  const rows: Row[] = [];
  const add = (parent: SpanDocument | undefined, indent: string) => {
    const siblings = children.get(parent?.spanId ?? null) ?? [];
    for (const [index, span] of siblings.entries()) {
      const isLast = index === siblings.length - 1;
      const below = parent === undefined ? '' : `${indent}${isLast ? '   ' : '│  '}`;
      const branch = parent === undefined ? '' : `${indent}${isLast ? '└─ ' : '├─ '}`;
      rows.push({ branch, indent: `${below}${children.has(span.spanId) ? '│  ' : '   '}`, span, parent });
      add(span, below);
    }
  };
  add(undefined, '');
  return rows;
}

function layoutOf(rows: readonly Row[], trace: TraceDocument): Layout {
  const services = [...new Set(rows.map(({ span }) => span.service))];
  const servicePrefix = commonPrefix(services, '-');
  return {
    name: widest(rows.map(nameCell)),
    offset: widest(rows.map((row) => offsetCell(row, trace))),
    duration: widest(rows.map(({ span }) => formatDuration(span.durationMs))),
    service: widest(services.map((service) => printable(service.slice(servicePrefix.length)))),
    servicePrefix,
  };
}

function spanLines(row: Row, trace: TraceDocument, layout: Layout, width: number | undefined, paint: Paint): string[] {
  const { span } = row;
  const service = printable(span.service.slice(layout.servicePrefix.length));
  const cells = [
    paint(isFailed(span) ? 'red' : 'bold', nameCell(row)) + ' '.repeat(layout.name - nameCell(row).length),
    paint('dim', offsetCell(row, trace).padStart(layout.offset)),
    formatDuration(span.durationMs).padStart(layout.duration),
    paint('dim', service.padEnd(layout.service)),
  ];
  const words = attributeWords(span.attributes, row.parent?.attributes ?? {});
  const column = layout.name + layout.offset + layout.duration + layout.service + GAP.length * cells.length;
  const [first = [], ...others] = inLines(words, width === undefined ? undefined : width - column);
  const painted = (line: readonly Word[]) =>
    line.map(({ key, value, style }) => `${paint(style, key)}=${value}`).join(' ');
  return [
    [...cells, painted(first)].join(GAP).trimEnd(),
    ...others.map((line) => `${paint('dim', row.indent.padEnd(column))}${painted(line)}`),
  ];
}

type Word = ReturnType<typeof attributeWords>[number];

/** Breaks between words, where the columns are known and enough. */
function inLines(words: readonly Word[], columns: number | undefined): Word[][] {
  if (columns === undefined || columns < LEAST_ATTRIBUTE_COLUMNS) return [[...words]];
  const lines: Word[][] = [[]];
  let used = 0;
  for (const word of words) {
    const length = word.key.length + 1 + word.value.length;
    if (used > 0 && used + 1 + length > columns) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)!.push(word);
    used += (used > 0 ? 1 : 0) + length;
  }
  return lines;
}

function nameCell({ branch, span }: Row): string {
  return `${branch}${printable(span.name)}${isFailed(span) ? ` ${ERROR_MARK}` : ''}`;
}

function offsetCell({ span }: Row, trace: TraceDocument): string {
  return `+${formatDuration(Math.max(span.startedAt - trace.startedAt, 0))}`;
}

/** Exceptions, and links that lead out of the trace. */
function notesOf(span: SpanDocument, trace: TraceDocument): string[] {
  const notes = span.events.map(
    ({ name, attributes }) =>
      `! ${printable(name)}: ${printable(`${attributes['exception.type']}: ${attributes['exception.message']}`)}`,
  );
  const links = span.links.filter(({ traceId }) => traceId !== trace.traceId);
  for (const { traceId } of links.slice(0, SHOWN_LINKS)) notes.push(`↪ links to trace ${printable(traceId)}`);
  if (links.length > SHOWN_LINKS) notes.push(`↪ and ${links.length - SHOWN_LINKS} more links`);
  return notes;
}

function isFailed(span: SpanDocument): boolean {
  return span.status.code === 'error';
}

function widest(cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, cell.length), 0);
}
