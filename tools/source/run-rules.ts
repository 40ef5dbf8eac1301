import { join } from 'node:path';
import { formatViolation, readSourceFiles, type SourceFile, type Violation } from './source-file.ts';

/** A rule sees all files at once, so that it can compare them. */
export type Rule = (files: readonly SourceFile[], root: string) => Violation[];

/** Applies the rules to the repository, prints what they found, and sets the exit code to 1 if that is anything. */
export function runRules(title: string, rules: readonly Rule[]): void {
  const root = join(import.meta.dirname, '..', '..');
  const files = readSourceFiles(root);
  const violations = rules.flatMap((rule) => rule(files, root));
  for (const violation of violations) console.log(formatViolation(violation));
  console.log(`${title}: ${files.length} files, ${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
