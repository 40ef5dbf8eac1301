import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpecificationVersion } from '../../test/conformance/support/conformance.ts';
import type { TestResult } from './results.ts';
import { leadingIds } from './test-names.ts';

/** What the suite found on another broker, as it is kept in the repository. */
export interface DeviationRecord {
  readonly broker: string;
  readonly brokerVersion: string;
  readonly versions: readonly VersionDeviations[];
}

export interface VersionDeviations {
  readonly version: SpecificationVersion;
  readonly passed: number;
  readonly skipped: number;
  /** Names of the tests that failed, statements first, in order. */
  readonly failed: readonly string[];
}

export const DEVIATIONS_FILE = 'test/conformance/ledger/mosquitto.json';

export function deviationsOf(version: SpecificationVersion, results: readonly TestResult[]): VersionDeviations {
  const named = results.filter(({ name }) => leadingIds(name).length > 0);
  const count = (wanted: string): number => named.filter(({ outcome }) => outcome === wanted).length;
  const failed = named.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  return { version, passed: count('passed'), skipped: count('skipped'), failed: failed.sort() };
}

export function readDeviations(root: string): DeviationRecord {
  return JSON.parse(readFileSync(join(root, DEVIATIONS_FILE), 'utf8')) as DeviationRecord;
}

export function writeDeviations(root: string, record: DeviationRecord): void {
  writeFileSync(join(root, DEVIATIONS_FILE), `${JSON.stringify(record, null, 2)}\n`);
}
