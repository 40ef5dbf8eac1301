import { join } from 'node:path';
import { run } from 'node:test';
import { type SpecificationVersion, TARGET_VARIABLE } from '../../test/conformance/support/conformance.ts';
import { testFilesOf } from './ledger.ts';
import type { TestResult } from './results.ts';

const FILES_AT_ONCE = 2;
const FILE_LIMIT_MS = 180_000;

/** Runs the suite of one version; `target` is the `host:port` of a broker, and left out each file starts one of ours. */
export async function runSuite(
  version: SpecificationVersion,
  root: string,
  target: string | undefined,
): Promise<TestResult[]> {
  const results: TestResult[] = [];
  const { [TARGET_VARIABLE]: _, NODE_TEST_CONTEXT: __, ...environment } = process.env;
  const events = run({
    files: testFilesOf(version, root).map((file) => join(root, file)),
    concurrency: FILES_AT_ONCE,
    timeout: FILE_LIMIT_MS,
    env: { ...environment, ...(target !== undefined && { [TARGET_VARIABLE]: target }) },
  });
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // Suites repeat what their tests say, unless it is the suite itself that failed, which no test names.
    if (data.details.type === 'suite' && !(type === 'test:fail' && isHookFailure(data.details.error))) continue;
    if (type === 'test:fail')
      results.push({ name: data.name, outcome: 'failed', message: messageOf(data.details.error) });
    else results.push({ name: data.name, outcome: data.skip === undefined ? 'passed' : 'skipped' });
  }
  return results;
}

function isHookFailure(error: Error & { failureType?: string }): boolean {
  return error.failureType === 'hookFailed';
}

/** The first line of what went wrong; a failed test has it below the error of the runner. */
function messageOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message.split('\n')[0]!;
}
