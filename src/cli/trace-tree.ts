import { styleText } from 'node:util';
import type { SpanDocument, TraceDocument } from '../telemetry/trace-document.ts';

export interface TreeOptions {
  readonly isColoured: boolean;
}

type Style = 'bold' | 'dim' | 'red' | 'cyan';
type Paint = (style: Style, text: string) => string;

/** A span with the branches drawn in front of its name. */
interface Row {
  readonly branch: string;
  /** What stands below the span in front of its further lines. */
  readonly indent: string;
  readonly span: SpanDocument;
}

const SHOWN_LINKS = 3;
const ERROR_MARK = '✗';

/** Draws a trace: a heading, then a line for each span with its start, duration, service and attributes. */
export function renderTrace(trace: TraceDocument, options: TreeOptions): string {
  const paint: Paint = options.isColoured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
  const rows = rowsOf(trace.spans);
  const widths = {
    name: widest(rows.map(nameCell)),
    offset: widest(rows.map((row) => offsetCell(row, trace))),
    duration: widest(rows.map(({ span }) => formatDuration(span.durationMs))),
    service: widest(rows.map(({ span }) => printable(span.service))),
  };
  const lines = rows.flatMap((row) => {
    const { span } = row;
    const cells = [
      paint(isFailed(span) ? 'red' : 'bold', nameCell(row).padEnd(widths.name)),
      paint('dim', offsetCell(row, trace).padStart(widths.offset)),
      formatDuration(span.durationMs).padStart(widths.duration),
      paint('dim', printable(span.service).padEnd(widths.service)),
      attributesCell(span, paint),
    ];
    return [cells.join('  ').trimEnd(), ...notesOf(span).map((note) => `${row.indent}${paint('dim', note)}`)];
  });
  return `${[headingOf(trace, paint), ...lines].join('\n')}\n`;
}

/** `0.042 ms`, `12.3 ms`, `1.25 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 10) return `${milliseconds.toFixed(1)} ms`;
  return `${milliseconds.toFixed(3)} ms`;
}

function headingOf(trace: TraceDocument, paint: Paint): string {
  const parts = [
    paint('bold', `trace ${trace.traceId}`),
    new Date(trace.startedAt).toISOString(),
    formatDuration(trace.durationMs),
    `${trace.spans.length} spans`,
  ];
  if (trace.droppedSpans > 0) parts.push(`${trace.droppedSpans} more not kept`);
  if (trace.error) parts.push(paint('red', `${ERROR_MARK} failed`));
  return parts.join('  ');
}

/** Every span once, below its parent, in order of start; spans whose parent is not in the trace stand at the left. */
function rowsOf(spans: readonly SpanDocument[]): Row[] {
  const ids = new Set(spans.map((span) => span.spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) =>
    parentSpanId !== null && ids.has(parentSpanId) ? parentSpanId : null,
  );
  const rows: Row[] = [];
  const add = (parentSpanId: string | null, indent: string) => {
    const siblings = children.get(parentSpanId) ?? [];
    for (const [index, span] of siblings.entries()) {
      const isRoot = parentSpanId === null;
      const isLast = index === siblings.length - 1;
      const below = isRoot ? '' : `${indent}${isLast ? '   ' : '│  '}`;
      rows.push({ branch: isRoot ? '' : `${indent}${isLast ? '└─ ' : '├─ '}`, indent: `${below}   `, span });
      add(span.spanId, below);
    }
  };
  add(null, '');
  return rows;
}

function nameCell({ branch, span }: Row): string {
  return `${branch}${printable(span.name)}${isFailed(span) ? ` ${ERROR_MARK}` : ''}`;
}

function offsetCell({ span }: Row, trace: TraceDocument): string {
  return `+${formatDuration(Math.max(span.startedAt - trace.startedAt, 0))}`;
}

function attributesCell(span: SpanDocument, paint: Paint): string {
  return Object.entries(span.attributes)
    .map(([key, value]) => `${paint('cyan', printable(key))}=${valueText(value)}`)
    .join(' ');
}

function notesOf(span: SpanDocument): string[] {
  const notes = span.events.map(
    ({ name, attributes }) =>
      `! ${printable(name)}: ${printable(`${attributes['exception.type']}: ${attributes['exception.message']}`)}`,
  );
  for (const { traceId } of span.links.slice(0, SHOWN_LINKS)) notes.push(`↪ links to trace ${printable(traceId)}`);
  if (span.links.length > SHOWN_LINKS) notes.push(`↪ and ${span.links.length - SHOWN_LINKS} more links`);
  return notes;
}

function isFailed(span: SpanDocument): boolean {
  return span.status.code === 'error';
}

function valueText(value: SpanDocument['attributes'][string]): string {
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? printable(value) : `"${printable(value)}"`;
  if (typeof value === 'object') return `[${value.map(valueText).join(', ')}]`;
  return String(value);
}

/** Clients choose ids and topics: no control character of theirs may reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

function widest(cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, cell.length), 0);
}
