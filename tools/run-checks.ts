/** `npm run check`: everything that can be known without running the program. One line for each check; explanations on failure. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

interface Check {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** What to do about a failure. */
  readonly remedy: string;
}

interface Outcome {
  readonly succeeded: boolean;
  readonly output: string;
  readonly elapsedMs: number;
}

const ROOT = join(import.meta.dirname, '..');

function check(name: string, remedy: string, command: string, ...parameters: string[]): Check {
  return { name, remedy, command, arguments: parameters };
}

function nodeCheck(name: string, remedy: string, ...parameters: string[]): Check {
  return check(name, remedy, process.execPath, '--disable-warning=ExperimentalWarning', ...parameters);
}

function binary(name: string): string {
  return join(ROOT, 'node_modules', '.bin', name);
}

const CHECKS: readonly Check[] = [
  check('types', 'the compiler says where; see tsconfig.json', binary('tsc'), '-p', 'tsconfig.json'),
  check('format and lint', '`npm run format` repairs most of it', binary('biome'), 'check', '--error-on-warnings', '.'),
  nodeCheck(
    'import rules',
    'DESIGN: a wrong import is a wrong place; move the code or ask for less',
    'tools/import-rules.ts',
  ),
  nodeCheck('tidy', 'see CONTRIBUTING.md', 'tools/tidy.ts'),
  nodeCheck('generated files', '`npm run generate` writes them anew', 'tools/generate.ts', '--check'),
];

function run({ command, arguments: parameters }: Check): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(command, parameters, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const settle = (succeeded: boolean): void =>
      resolve({ succeeded, output: Buffer.concat(chunks).toString(), elapsedMs: performance.now() - startedAt });
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${error.message}\n`));
      settle(false);
    });
    child.on('close', (code) => settle(code === 0));
  });
}

async function main(): Promise<void> {
  const checks = CHECKS.filter(
    ({ arguments: [, script] }) => !script?.endsWith('.ts') || existsSync(join(ROOT, script)),
  );
  const outcomes = checks.map((check) => ({ check, outcome: run(check) }));
  let failures = 0;
  for (const { check, outcome } of outcomes) {
    const { succeeded, output, elapsedMs } = await outcome;
    console.log(`${succeeded ? '✔' : '✖'} ${check.name} (${(elapsedMs / 1000).toFixed(1)} s)`);
    if (succeeded) continue;
    failures++;
    console.log(`${output.trimEnd().replaceAll(/^/gm, '  ')}\n  → ${check.remedy}`);
  }
  if (failures > 0) process.exitCode = 1;
  console.log(`checks: ${outcomes.length - failures} passed, ${failures} failed`);
}

await main();
