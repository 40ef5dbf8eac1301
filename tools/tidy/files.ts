import { basename } from 'node:path';
import type { SourceFile, Violation } from '../source/source-file.ts';

const MAX_LINES = 400;
/** Versions in a name keep their dots. */
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.([a-z]+|\d+))*\.ts$/;

/** Files that are long for a reason: path → the reason. */
const LONG_FILES: ReadonlyMap<string, string> = new Map();

export function checkFiles(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, text }) => {
    const violations: Violation[] = [];
    if (!KEBAB_CASE.test(basename(path))) {
      violations.push({ file: path, line: 0, message: 'file names are kebab-case: the same on every file system' });
    }
    const lines = text.split('\n').length - 1;
    if (lines > MAX_LINES && !LONG_FILES.has(path)) {
      const message = `${lines} lines: past ${MAX_LINES} a file is more than one concept: split it, or say why not in LONG_FILES`;
      violations.push({ file: path, line: 0, message });
    }
    return violations;
  });
}
