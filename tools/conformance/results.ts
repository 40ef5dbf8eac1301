import { leadingIds } from './test-names.ts';

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  /** As the test run named it, statements first. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Of a failure: its first line. */
  readonly message?: string;
}

/** Of one statement: passed when its tests did, skipped when all of them were. */
export function outcomeOf(id: string, results: readonly TestResult[]): Outcome | 'not run' {
  const named = results.filter(({ name }) => leadingIds(name).includes(id));
  const outcomes = new Set(named.map(({ outcome }) => outcome));
  if (outcomes.has('failed')) return 'failed';
  if (outcomes.has('passed')) return 'passed';
  return outcomes.has('skipped') ? 'skipped' : 'not run';
}
