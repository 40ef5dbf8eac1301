import { isTest, lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

const PURE_PLACES = [
  /^src\/mqtt\//,
  /^src\/broker\/session(\/|\.ts$)/,
  /^src\/broker\/router(\/|\.ts$)/,
  /^src\/journal\/record-batch\.ts$/,
  /^src\/journal\/.*-format\.ts$/,
];

/** What computes without touching the world. */
const PURE_MODULES = new Set(['node:assert', 'node:assert/strict', 'node:buffer', '@node-rs/crc32', 'zod']);

const IMPURE_CALLS: readonly [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.\w+/g, 'reads a clock'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask|process\.nextTick)\b/g, 'schedules work'],
  [/\bMath\.random\b|\bcrypto\./g, 'uses randomness'],
  [/\bprocess\.(env|argv|cwd|exit|stdout|stderr|hrtime)\b/g, 'touches the process'],
];

const WHY =
  'this place is pure: it returns what happened and the shell around it does the I/O, so that tests own everything';

/** No sockets, disk, clock, randomness or telemetry in the codec, session, router and log formats. */
export function checkPurity(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => !isTest(path) && PURE_PLACES.some((place) => place.test(path)))
    .flatMap((file) => [...impureImports(file), ...impureCalls(file)]);
}

function impureImports(file: SourceFile): Violation[] {
  return file.module.imports.flatMap(({ specifier, target, isTypeOnly, position }) => {
    const isPure = target === undefined ? PURE_MODULES.has(specifier) || isTypeOnly : isPureFile(target);
    if (isPure) return [];
    return [{ file: file.path, line: lineOf(file.text, position), message: `imports ${specifier}: ${WHY}` }];
  });
}

function isPureFile(target: string): boolean {
  return !target.startsWith('src/telemetry/') && target !== 'src/base/clock.ts';
}

function impureCalls(file: SourceFile): Violation[] {
  return IMPURE_CALLS.flatMap(([pattern, what]) =>
    [...file.code.matchAll(pattern)].map((match) => ({
      file: file.path,
      line: lineOf(file.text, match.index),
      message: `${what} (${match[0]}): ${WHY}`,
    })),
  );
}
