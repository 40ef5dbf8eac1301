import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATEMENTS as STATEMENTS_3_1_1 } from '../../test/conformance/ledger/mqtt-3.1.1.ts';
import { STATEMENTS as STATEMENTS_5_0 } from '../../test/conformance/ledger/mqtt-5.0.ts';
import type { Statement } from '../../test/conformance/ledger/statement.ts';
import type { SpecificationVersion } from '../../test/conformance/support/conformance.ts';
import { findTests, type NamedTest } from './test-names.ts';

/** The statements of one version, and the tests that name them. */
export interface Ledger {
  readonly version: SpecificationVersion;
  readonly statements: readonly Statement[];
  readonly tests: readonly NamedTest[];
}

const STATEMENTS: Readonly<Record<SpecificationVersion, readonly Statement[]>> = {
  '3.1.1': STATEMENTS_3_1_1,
  '5.0': STATEMENTS_5_0,
};

export const VERSIONS = Object.keys(STATEMENTS) as SpecificationVersion[];

export function testFilesOf(version: SpecificationVersion, root: string): string[] {
  return globSync(`test/conformance/v${version}/*.test.ts`, { cwd: root }).sort();
}

export function readLedger(version: SpecificationVersion, root: string): Ledger {
  const tests = testFilesOf(version, root).flatMap((file) => findTests(file, readFileSync(join(root, file), 'utf8')));
  return { version, statements: STATEMENTS[version], tests };
}

export function testsOf({ tests }: Ledger, { id }: Statement): NamedTest[] {
  return tests.filter(({ ids }) => ids.includes(id));
}

/** The section of the specification that holds a statement: `MQTT-3.1.2-4` stands in `3.1.2`. */
export function sectionOf({ id }: Statement): string {
  return /^MQTT-(.+)-\d+$/.exec(id)?.[1] ?? id;
}

/** Sentences about what is wrong with a ledger, without a test run. */
export function checkLedger(ledger: Ledger): string[] {
  const place = `MQTT ${ledger.version}`;
  const known = new Set(ledger.statements.map(({ id }) => id));
  const unknown = ledger.tests.flatMap(({ file, ids, name }) =>
    ids.filter((id) => !known.has(id)).map((id) => `${place}: ${file} names ${id}, which is no statement: ${name}`),
  );
  const statements = ledger.statements.flatMap((statement) => {
    const tested = testsOf(ledger, statement).length > 0;
    if (tested && statement.reason !== undefined)
      return [`${place}: ${statement.id} has a reason to have no test, and a test`];
    if (!tested && statement.reason === undefined) return [`${place}: ${statement.id} has neither test nor reason`];
    return [];
  });
  return [...unknown, ...statements];
}
