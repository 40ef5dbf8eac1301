import { isTest, lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

/** Files that are started, not imported. */
const ENTRY_POINTS = [/^src\/main\.ts$/, /^bench\/main\.ts$/, /^tools\/[^/]+\.ts$/];

/**
 * An export that nobody imports is a promise to nobody. A type that its own file uses elsewhere is part of the
 * signature of something else there and may stay.
 */
export function checkDeadExports(files: readonly SourceFile[]): Violation[] {
  const taken = namesTaken(files);
  return files
    .filter(({ path }) => !path.endsWith('.test.ts') && !ENTRY_POINTS.some((entry) => entry.test(path)))
    .flatMap((file) => {
      const names = taken.get(file.path) ?? new Set();
      if (names.has('*')) return [];
      return file.module.exports
        .filter(({ name, isType }) => !names.has(name) && !(isType && occurrences(file.code, name) > 1))
        .map(({ name, position }) => ({
          file: file.path,
          line: lineOf(file.text, position),
          message: `exports ${name}, which nobody imports: remove it, or the word export`,
        }));
    });
}

function namesTaken(files: readonly SourceFile[]): Map<string, Set<string>> {
  const taken = new Map<string, Set<string>>();
  for (const file of files) {
    for (const { target, names } of file.module.imports) {
      if (target === undefined || (names.includes('*') && isTest(file.path))) continue;
      const known = taken.get(target) ?? new Set();
      for (const name of names) known.add(name);
      taken.set(target, known);
    }
  }
  return taken;
}

function occurrences(code: string, name: string): number {
  return code.split(new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`)).length - 1;
}
