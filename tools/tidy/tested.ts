import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { functionBodies } from '../source/function-bodies.ts';
import { isTest, type SourceFile, type Violation } from '../source/source-file.ts';

/** A file with fewer lines inside functions is shown right by the tests of those who use it. */
const MIN_LINES_OF_BEHAVIOUR = 10;

/** Files that run in a thread or process of their own, which their test starts: path → the test. */
const TESTED_BY: ReadonlyMap<string, string> = new Map([
  ['src/placement/engines/rocksdb/database-worker.ts', 'src/placement/engines/rocksdb/rocksdb-placement.test.ts'],
  ['src/telemetry/exporter/exporter-worker.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/exporter.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/facts-of-record.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/kept-visitor.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/trace-collector.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/trace-search.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
  ['src/telemetry/exporter/trace-tail.ts', 'src/telemetry/exporter/exporter-thread.test.ts'],
]);

const MESSAGE =
  'no test beside it, and none imports it or its folder’s face: what is not tested is not known to work ' +
  '(what a test starts instead of importing it stands in tools/tidy/tested.ts)';

/**
 * Every file of src with behaviour has a test beside it, or a test reaches it: by importing it, or by importing a file
 * that does and lies in the same folder or is its face (`catalogue.ts` for `catalogue/`).
 */
export function checkTested(files: readonly SourceFile[], root: string): Violation[] {
  const reached = reachedByTests(files);
  const untested = files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .filter(({ path }) => !reached.has(path) && !TESTED_BY.has(path))
    .filter(({ text }) => linesOfBehaviour(text) >= MIN_LINES_OF_BEHAVIOUR)
    .map(({ path }) => ({ file: path, line: 0, message: MESSAGE }));
  return [...untested, ...missingTests(root)];
}

function reachedByTests(files: readonly SourceFile[]): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { target } of byPath.get(path)?.module.imports ?? []) {
      if (target === undefined) continue;
      const folder = dirname(target);
      if (folder === dirname(path) || folder === path.replace(/\.ts$/, '')) reach(target);
    }
  };
  for (const test of files.filter(({ path }) => isTest(path))) {
    reach(test.path.replace('.test.ts', '.ts'));
    for (const { target } of test.module.imports) if (target !== undefined) reach(target);
  }
  return reached;
}

function missingTests(root: string): Violation[] {
  return [...TESTED_BY]
    .filter(([path, test]) => !existsSync(join(root, path)) || !existsSync(join(root, test)))
    .map(([path, test]) => ({ file: path, line: 0, message: `is said to be tested by ${test}: one of them is gone` }));
}

function linesOfBehaviour(text: string): number {
  return functionBodies(text).reduce((sum, { lines }) => sum + lines, 0);
}
