import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { isTest, lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

/** Packages that are run or read by tools rather than imported: name → by what. */
const NOT_IMPORTED: ReadonlyMap<string, string> = new Map([
  ['node', 'the pinned Node itself, first on npm’s path'],
  ['typescript', 'the type check'],
  ['@biomejs/biome', 'the linter'],
  ['@types/node', 'the type check'],
  ['@types/ws', 'the type check'],
]);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** package.json says what the code imports, no more and no less; the lockfile names no registry. */
export function checkManifest(files: readonly SourceFile[], root: string): Violation[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return [...compareWithImports(files, manifest), ...checkLockfile(lockfile)];
}

export function compareWithImports(files: readonly SourceFile[], manifest: Manifest): Violation[] {
  const shipped = new Set(Object.keys(manifest.dependencies ?? {}));
  const declared = new Set([...shipped, ...Object.keys(manifest.devDependencies ?? {})]);
  const used = new Set<string>();
  const violations: Violation[] = [];
  for (const file of files) {
    for (const { specifier, position } of file.module.imports) {
      const name = packageName(specifier);
      if (name === undefined) continue;
      used.add(name);
      const isShippedCode = file.path.startsWith('src/') && !isTest(file.path);
      if ((isShippedCode ? shipped : declared).has(name)) continue;
      const list = isShippedCode ? 'dependencies' : 'devDependencies';
      const message = `imports ${name}, which package.json does not have under ${list}: it would be missing where it is installed`;
      violations.push({ file: file.path, line: lineOf(file.text, position), message });
    }
  }
  const isUsed = (name: string): boolean => used.has(name) || used.has(typedPackage(name)) || NOT_IMPORTED.has(name);
  const unused = [...declared].filter((name) => !isUsed(name));
  return [...violations, ...unused.map((name) => unusedPackage(name))];
}

export function checkLockfile(lockfile: string): Violation[] {
  const at = lockfile.search(/"resolved":\s*"(?!file:)[a-z+]+:\/\//);
  if (at === -1) return [];
  const message =
    'names the registry it was made with: others install from theirs (omit-lockfile-registry-resolved in .npmrc)';
  return [{ file: 'package-lock.json', line: lineOf(lockfile, at), message }];
}

function unusedPackage(name: string): Violation {
  return { file: 'package.json', line: 0, message: `declares ${name}, which nothing imports: remove it` };
}

/** `@types/ws` is used by whoever imports `ws`. */
function typedPackage(name: string): string {
  return name.replace(/^@types\//, '');
}

/** The package of a bare specifier; undefined for relative files and Node's own modules. */
function packageName(specifier: string): string | undefined {
  if (/^(\.|node:|#)/.test(specifier) || builtinModules.includes(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
