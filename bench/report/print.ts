import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import TerminalTable from 'cli-table3';
import type { Table } from './columns.ts';

export function toTerminal({ columns, rows }: Table): string {
  const table = new TerminalTable({ head: columns.map(({ heading }) => heading), style: { head: [], border: [] } });
  for (const row of rows) table.push(columns.map(({ text }) => text(row)));
  return table.toString();
}

export function toMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ heading }) => heading)),
    line(columns.map((_, index) => (index < 2 ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map(({ text }) => text(row)))),
  ].join('\n');
}

/** What the figures depend on, for whoever wants to compare. */
export function describeMachine(): string[] {
  const processors = cpus();
  const memory = /^MemTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return [
    `CPU: ${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`,
    `memory: ${Math.round(Number(memory) / 1024 ** 2)} GiB`,
    `kernel: Linux ${release()}`,
    `Node: ${process.version}`,
  ];
}
