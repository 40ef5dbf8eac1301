import { posix } from 'node:path';

/** What a file takes from other files and what it offers to them. */
export interface Module {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
}

export interface Import {
  /** As written: `./clock.ts`, `node:fs`, `zod`. */
  readonly specifier: string;
  /** The path within the repository of a relative import. */
  readonly target: string | undefined;
  /** The names taken, as the other file calls them; `*` when it takes all of them. */
  readonly names: readonly string[];
  /** True for `import type`: gone at run time. */
  readonly isTypeOnly: boolean;
  readonly position: number;
}

export interface Export {
  readonly name: string;
  readonly isType: boolean;
  readonly position: number;
}

const IMPORT = /\b(import|export)\s+(type\s+)?((?:[\w$*{},\s]|\bas\b)*?)\s*\bfrom\s*(['"])/g;
const BARE_IMPORT = /\bimport\s*\(?\s*(['"])/g;
const LOCATED_FILE = /\bnew\s+URL\s*\(\s*(['"])/g;
const DECLARATION =
  /\bexport\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(async\s+function|function|class|const|let|interface|type)\b\s*\*?\s*([\w$]+)/g;
const EXPORT_LIST = /\bexport\s+(type\s+)?\{([^}]*)\}(?!\s*from)/g;

/** Reads imports and exports off the masked code; specifiers come from the text at the same position. */
export function scanModule(path: string, text: string, code: string): Module {
  return { imports: scanImports(path, text, code), exports: scanExports(code) };
}

function scanImports(path: string, text: string, code: string): Import[] {
  const imports: Import[] = [];
  const add = (match: RegExpMatchArray, names: string[], isTypeOnly: boolean): void => {
    const start = match.index! + match[0].length;
    const specifier = text.slice(start, text.indexOf(match.at(-1)!, start));
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    imports.push({ specifier, target, names, isTypeOnly, position: match.index! });
  };
  for (const match of code.matchAll(IMPORT)) {
    const clause = match[3]!;
    add(match, importedNames(clause), match[2] !== undefined || isAllTypes(clause));
  }
  for (const match of code.matchAll(BARE_IMPORT)) add(match, ['*'], false);
  for (const match of code.matchAll(LOCATED_FILE)) add(match, ['*'], false);
  return imports;
}

function isAllTypes(clause: string): boolean {
  const listed = /^\s*\{([^}]*)\}\s*$/.exec(clause);
  return listed !== null && splitList(listed[1]!).every((item) => item.startsWith('type '));
}

function importedNames(clause: string): string[] {
  if (clause.includes('*')) return ['*'];
  const listed = /\{([^}]*)\}/.exec(clause);
  const names = splitList(listed?.[1] ?? '').map((item) =>
    item
      .replace(/^type\s+/, '')
      .split(/\s+as\s+/)[0]!
      .trim(),
  );
  const byDefault = clause
    .replace(/\{[^}]*\}/, '')
    .replaceAll(',', '')
    .trim();
  return byDefault === '' ? names : ['default', ...names];
}

function scanExports(code: string): Export[] {
  const exports: Export[] = [];
  for (const match of code.matchAll(DECLARATION)) {
    const isType = match[1] === 'interface' || match[1] === 'type';
    const name = /\bexport\s+default\b/.test(match[0]) ? 'default' : match[2]!;
    exports.push({ name, isType, position: match.index });
  }
  for (const match of code.matchAll(EXPORT_LIST)) {
    for (const item of splitList(match[2]!)) {
      const name = item
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)
        .at(-1)!;
      exports.push({ name, isType: match[1] !== undefined || item.startsWith('type '), position: match.index });
    }
  }
  return exports;
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
