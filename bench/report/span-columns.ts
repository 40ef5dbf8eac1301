import { digits, NOTHING } from './cells.ts';
import type { Column } from './column.ts';
import type { SpanRow } from './span-row.ts';

function column(heading: string, text: (spans: SpanRow) => string): Column {
  return { heading, text: ({ spans }) => (spans === undefined ? NOTHING : text(spans)) };
}

function count(heading: string, value: (spans: SpanRow) => number): Column {
  return column(heading, (spans) => digits(value(spans), 0));
}

/** What became of the spans of all runs of a row. */
export const SPAN_COLUMNS: readonly Column[] = [
  { heading: 'spans a message', text: ({ spansPerMessage }) => digits(spansPerMessage, 1) },
  count('started', ({ started }) => started),
  count('exported', ({ exported }) => exported),
  count('unsampled', ({ unsampled }) => unsampled),
  count('undecided', ({ undecided }) => undecided),
  count('spans lost', ({ lost }) => lost),
  column('dropped', ({ dropped }) => reasons(dropped)),
  count('queued at load end', ({ queuedAtLoadEnd }) => queuedAtLoadEnd),
  count('spooled at load end', ({ spooledAtLoadEnd }) => spooledAtLoadEnd),
  column('drained s', ({ drainedMs }) => digits(drainedMs / 1000, 1)),
  count('left', ({ left }) => left),
  column('received', received),
  column('account', ({ imbalance }) => (imbalance === 0 ? 'exact' : `off by ${digits(imbalance, 0)}`)),
];

function reasons(dropped: SpanRow['dropped']): string {
  const found = Object.entries(dropped).map(([reason, spans]) => `${reason} ${digits(spans, 0)}`);
  return found.length === 0 ? NOTHING : found.join(', ');
}

/** More than was exported is what arrived twice, since its answer did not. */
function received({ received: spans, exported }: SpanRow): string {
  if (spans === undefined || spans === exported) return digits(spans, 0);
  return `${digits(spans, 0)} (${spans > exported ? '+' : '−'}${digits(Math.abs(spans - exported), 0)})`;
}
