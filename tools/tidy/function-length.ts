import { functionBodies } from '../source/function-bodies.ts';
import { isTest, lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

const MAX_LINES = 70;

/** A function fits a screen. The body of a test suite is a list, not a function, and may be longer. */
export function checkFunctionLength(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => !isTest(path))
    .flatMap((file) =>
      functionBodies(file.text)
        .filter(({ lines }) => lines > MAX_LINES)
        .map(({ position, lines }) => ({
          file: file.path,
          line: lineOf(file.text, position),
          message: `a function of ${lines} lines: at most ${MAX_LINES} fit a screen, and a mind; give its parts names`,
        })),
    );
}
