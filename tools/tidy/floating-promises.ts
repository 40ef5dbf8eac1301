import { lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

/** `import { a, b as c } from 'node:…/promises'`: what stands between the braces. */
const PROMISE_IMPORT = /\bimport\s*\{([^}]*)\}\s*from\s*['"]/g;

/**
 * The linter sees promises of our own functions that nobody waits for, but not those of Node's modules, whose types it
 * does not read. A call of such a function that is a statement by itself has dropped its promise.
 */
export function checkFloatingPromises(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) =>
    promisingNames(file).flatMap((name) =>
      [...file.code.matchAll(new RegExp(`^[ \\t]*(${name}\\()`, 'gm'))].map((match) => ({
        file: file.path,
        line: lineOf(file.text, match.index),
        message: `nobody waits for ${name}: await it or handle its failure, which would otherwise end the process`,
      })),
    ),
  );
}

function promisingNames(file: SourceFile): string[] {
  return [...file.code.matchAll(PROMISE_IMPORT)]
    .filter((match) => /^node:\w+\/promises['"]/.test(file.text.slice(match.index + match[0].length)))
    .flatMap((match) => match[1]!.split(','))
    .map(
      (item) =>
        item
          .trim()
          .split(/\s+as\s+/)
          .at(-1)!,
    )
    .filter((name) => name !== '' && !name.startsWith('type '));
}
