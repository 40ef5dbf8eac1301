import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskSource } from './mask-source.ts';
import { type Module, scanModule } from './scan-module.ts';

/** A TypeScript file of ours, read once and shared by all rules. */
export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and literals blanked, position for position. */
  readonly code: string;
  readonly module: Module;
}

/** What a rule found: where, and a sentence that says why the rule exists. */
export interface Violation {
  readonly file: string;
  /** Counted from 1; 0 when the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const code = maskSource(text);
  return { path, text, code, module: scanModule(path, text, code) };
}

/** Every TypeScript file under src, test, tools and bench, in path order; generated ones have rules of their own. */
export function readSourceFiles(root: string): SourceFile[] {
  return globSync('{src,test,tools,bench}/**/*.ts', { cwd: root })
    .filter((path) => !isGenerated(path))
    .sort()
    .map((path) => parseSourceFile(path, readFileSync(join(root, path), 'utf8')));
}

/** Tests and what only tests use: folders called `testing`, and the contract suites of ports. */
export function isTest(path: string): boolean {
  return /\.test\.ts$|-contract\.ts$|^test\/|\/testing\//.test(path);
}

export function lineOf(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export function formatViolation({ file, line, message }: Violation): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${message}`;
}

function isGenerated(path: string): boolean {
  return path.includes('/generated/');
}
