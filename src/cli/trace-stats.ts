import type { TraceStats } from '../telemetry/trace-stats.ts';
import { formatDuration } from './trace-words.ts';

type Line = readonly [label: string, value: string, note?: string];

/** Figures in columns, for people: what there is none of is left out where it stands for a reason. */
export function renderStats({ traces, spans, ring, ...rest }: TraceStats, now: number): string {
  const sections: readonly (readonly [title: string, lines: readonly Line[]])[] = [
    [
      'traces',
      [
        ['recorded', count(traces.recorded), `${count(traces.failed)} failed`],
        ['kept', count(sum(traces.kept)), reasons(traces.kept)],
        ...optional('not kept', traces.notKept, 'over budget: '),
        ['exported', count(traces.exported)],
      ],
    ],
    [
      'spans',
      [
        ['started', count(spans.started)],
        ...(spans.restored === 0 ? [] : [['restored', count(spans.restored), 'by an earlier run'] as const]),
        ['exported', count(spans.exported)],
        ['unsampled', count(spans.unsampled), 'nothing asked for them'],
        ['dropped', count(sum(spans.dropped)), reasons(spans.dropped)],
        ['undecided', count(spans.undecided), 'in the ring: may still be kept'],
        ['open', count(spans.open), 'not yet ended'],
        ['queued', count(spans.queued), bytes(rest.queueBytes)],
        ['spooled', count(spans.spooled), bytes(rest.spoolBytes)],
      ],
    ],
    ['ring', [['size', bytes(ring.bytes), holds(ring.oldestAt, now)]]],
    ['export', [['failures', count(rest.exportFailures), 'requests']]],
  ];
  const lines = sections.flatMap(([, section]) => section);
  const labelWidth = Math.max(...lines.map(([label]) => label.length));
  const valueWidth = Math.max(...lines.map(([, value]) => value.length));
  const row = ([label, value, note = '']: Line): string =>
    `  ${label.padEnd(labelWidth)}  ${value.padStart(valueWidth)}  ${note}`.trimEnd();
  return sections.map(([title, section]) => [title, ...section.map(row), ''].join('\n')).join('');
}

function optional(label: string, counts: Readonly<Record<string, number>>, prefix: string): Line[] {
  return sum(counts) === 0 ? [] : [[label, count(sum(counts)), prefix + reasons(counts)]];
}

function reasons(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([reason, number]) => `${reason} ${count(number)}`)
    .join(', ');
}

function holds(oldestAt: number | null, now: number): string {
  return oldestAt === null ? 'empty' : `holds the last ${formatDuration(Math.max(0, now - oldestAt))}`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, number) => total + number, 0);
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function bytes(number: number): string {
  if (number < 1024) return `${number} B`;
  const [unit, size] = number < 1024 ** 2 ? ['KiB', number / 1024] : ['MiB', number / 1024 ** 2];
  return `${size.toFixed(1)} ${unit}`;
}
