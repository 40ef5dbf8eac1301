import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

const RUNNER = join(import.meta.dirname, 'run-test-files.ts');

/** Runs the given tests in a folder and a process of their own, as a command would. */
function run(context: TestContext, tests: Record<string, string>, limitMs = 60_000): { code: number; lines: string[] } {
  const root = mkdtempSync(join(tmpdir(), 'robustmq-test-'));
  context.after(() => rmSync(root, { recursive: true }));
  for (const [name, body] of Object.entries(tests)) {
    writeFileSync(join(root, name), `import { test } from 'node:test';\nimport assert from 'node:assert';\n${body}\n`);
  }
  const request = JSON.stringify({ root, include: ['*.test.ts'], exclude: ['excluded*'], limitMs });
  const script = `const { runTestFiles } = await import(${JSON.stringify(RUNNER)});
    process.exitCode = await runTestFiles(${request});`;
  // Without this variable the inner runner does not take itself for a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env,
  });
  return { code: status ?? -1, lines: `${stderr}${stdout}`.trimEnd().split('\n') };
}

const PASSING = `test('passes', () => {});`;
const FAILING = `test('fails', () => assert.equal(1, 2));`;
const HANGING = `test('hangs', () => new Promise((resolve) => setTimeout(resolve, 60_000)));`;

describe('runTestFiles', () => {
  it('runs what is included and not excluded, and ends with the summary', (context) => {
    const { code, lines } = run(context, { 'a.test.ts': PASSING, 'excluded.test.ts': FAILING });
    assert.equal(code, 0);
    assert(lines.includes('ℹ tests 1') && lines.includes('ℹ pass 1'));
    assert.match(lines.at(-1)!, /^ℹ duration_ms/);
  });

  it('fails when a test fails, shows it, and still ends with the summary', (context) => {
    const { code, lines } = run(context, { 'a.test.ts': PASSING, 'b.test.ts': FAILING });
    assert.equal(code, 1);
    assert(lines.includes('ℹ fail 1') && lines.some((line) => line.includes('✖ fails')));
    assert.match(lines.at(-1)!, /^ℹ duration_ms/);
  });

  it('fails when there is nothing to run', (context) => {
    const { code, lines } = run(context, {});
    assert.equal(code, 1);
    assert.match(lines.join('\n'), /no test files match/);
  });

  it('ends tests that take longer than the limit', (context) => {
    const { code, lines } = run(context, { 'a.test.ts': HANGING }, 1_000);
    assert.equal(code, 1);
    assert.match(lines.join('\n'), /took longer than 1 s/);
  });
});
