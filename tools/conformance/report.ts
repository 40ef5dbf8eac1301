import TerminalTable from 'cli-table3';
import { type Ledger, sectionOf, testsOf } from './ledger.ts';
import { outcomeOf, type TestResult } from './results.ts';

export interface Counts {
  readonly statements: number;
  readonly proved: number;
  readonly failing: number;
  /** All of whose tests were skipped: they need settings that another broker does not have. */
  readonly skipped: number;
  readonly notTestable: number;
  readonly missing: number;
}

export function countsOf(ledger: Ledger, results: readonly TestResult[]): Counts {
  const outcomes = ledger.statements.map((statement) => resultOf(ledger, statement.id, results));
  const count = (result: string): number => outcomes.filter((outcome) => outcome === result).length;
  return {
    statements: outcomes.length,
    proved: count('passed'),
    failing: count('failed'),
    skipped: count('skipped'),
    notTestable: count('not testable'),
    missing: count('missing') + count('not run'),
  };
}

/** Version, section, statement, number of tests, result. */
export function resultTable(ledger: Ledger, results: readonly TestResult[]): string {
  const table = new TerminalTable({
    head: ['version', 'section', 'statement', 'tests', 'result'],
    style: { head: [], border: [], compact: true },
  });
  for (const statement of ledger.statements) {
    const tests = String(testsOf(ledger, statement).length);
    const result = resultOf(ledger, statement.id, results);
    table.push([ledger.version, sectionOf(statement), statement.id, tests, result]);
  }
  return table.toString();
}

export function countsLine({ version }: Ledger, counts: Counts): string {
  const { statements, proved, failing, skipped, notTestable, missing } = counts;
  return (
    `MQTT ${version}: ${statements} statements: ${proved} proved, ${failing} failing, ${skipped} skipped, ` +
    `${notTestable} not testable, ${missing} missing`
  );
}

function resultOf(ledger: Ledger, id: string, results: readonly TestResult[]): string {
  const statement = ledger.statements.find((candidate) => candidate.id === id)!;
  if (testsOf(ledger, statement).length > 0) return outcomeOf(id, results);
  return statement.reason === undefined ? 'missing' : 'not testable';
}
