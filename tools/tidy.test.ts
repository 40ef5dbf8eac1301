import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseSourceFile } from './source/source-file.ts';
import { checkDeadExports } from './tidy/dead-exports.ts';
import { checkFiles } from './tidy/files.ts';
import { checkFloatingPromises } from './tidy/floating-promises.ts';
import { checkFunctionLength } from './tidy/function-length.ts';
import { checkLines } from './tidy/lines.ts';
import { checkLockfile, compareWithImports } from './tidy/manifest.ts';
import { checkTested } from './tidy/tested.ts';

type Found = { readonly line: number; readonly message: string }[];

function assertFound(found: Found, line: number, why: RegExp): void {
  assert.deepEqual(
    found.map((violation) => violation.line),
    [line],
  );
  assert.match(found[0]!.message, why);
}

const lines = (path: string, text: string) => checkLines([parseSourceFile(path, text)]);
const times = (count: number, line: string) => Array.from({ length: count }, () => line).join('\n');

describe('lines', () => {
  it('are at most 140 columns, unless an address makes them longer', () => {
    assert.deepEqual(lines('src/base/a.ts', 'x'.repeat(140)), []);
    assertFound(lines('src/base/a.ts', `a;\n${'x'.repeat(141)}`), 2, /141 columns/);
    assert.deepEqual(lines('src/base/a.ts', `// https://example.org/${'x'.repeat(120)}`), []);
  });

  it('leave no work for later', () => {
    assertFound(lines('src/base/a.ts', `// ${'TO'}DO: more`), 1, /unfinished/);
    assertFound(lines('tools/a.ts', `// ${'FIX'}ME`), 1, /unfinished/);
  });

  it('do not silence the compiler', () => {
    assertFound(lines('test/a.test.ts', `// @ts-${'ignore'}`), 1, /silencing the compiler/);
  });

  it('print to the console only where a person asked for it', () => {
    assertFound(lines('src/broker/a.ts', 'console.log(1);'), 1, /console/);
    assert.deepEqual(lines('src/cli/a.ts', 'console.log(1);'), []);
    assert.deepEqual(lines('src/broker/a.ts', '// console.log(1);'), []);
  });

  it('take time and randomness as arguments', () => {
    assertFound(lines('src/broker/a.ts', 'const now = Date.now();'), 1, /arguments/);
    assert.deepEqual(lines('src/base/a.ts', 'const now = Date.now();'), []);
  });

  it('focus no test', () => {
    assertFound(lines('src/base/a.test.ts', `it.${'only'}('x', f);`), 1, /focused/);
  });
});

describe('files', () => {
  const files = (path: string, text: string) => checkFiles([parseSourceFile(path, text)]);

  it('have kebab-case names', () => {
    assertFound(files('src/base/boundedQueue.ts', ''), 0, /kebab-case/);
    for (const name of ['bounded-queue.test.ts', 'mqtt-3.1.1.ts']) assert.deepEqual(files(`src/base/${name}`, ''), []);
  });

  it('have at most 400 lines', () => {
    assert.deepEqual(files('src/base/a.ts', `${times(400, 'a;')}\n`), []);
    assertFound(files('src/base/a.ts', `${times(401, 'a;')}\n`), 0, /401 lines/);
  });
});

describe('functions', () => {
  const functions = (text: string, path = 'src/base/a.ts') => checkFunctionLength([parseSourceFile(path, text)]);
  const body = times(80, '  work();');

  it('have at most 70 lines, however they are written', () => {
    for (const head of [
      'function f(a: { b: number }): Promise<{ c: string }>',
      'const f = (a: number): void =>',
      'const o = { f(a: (b: number) => void) ',
    ]) {
      assertFound(functions(`\n${head} {\n${body}\n}${head.startsWith('const o') ? '}' : ''}`), 2, /82 lines/);
    }
  });

  it('are not classes, objects or blocks', () => {
    assert.deepEqual(functions(`class A {\n${times(80, '  f = 1;')}\n}`), []);
    assert.deepEqual(functions(`if (a) {\n${body}\n}\nfor (const a of b()) {\n${body}\n}`), []);
  });

  it('may be longer as suites of tests', () => {
    assert.deepEqual(functions(`describe('x', () => {\n${body}\n});`, 'src/base/a.test.ts'), []);
  });
});

describe('promises of Node', () => {
  const promises = (body: string) =>
    checkFloatingPromises([
      parseSourceFile('src/base/a.ts', `import { open, setTimeout as sleep } from 'node:timers/promises';\n${body}`),
    ]);

  it('are awaited, returned or handled', () => {
    assertFound(promises('  sleep(5);'), 2, /sleep/);
    assertFound(promises('  open(\n5);'), 2, /open/);
    assert.deepEqual(promises('await sleep(5);\nreturn open(1);\nconst file = open(2);\n// sleep(5);'), []);
  });
});

describe('exports', () => {
  const offer = parseSourceFile('src/base/a.ts', 'export interface B {}\nexport function a(b: B): void {}');

  it('are imported by someone', () => {
    assertFound(checkDeadExports([offer]), 2, /exports a, which nobody imports/);
    const user = parseSourceFile('src/base/c.ts', `import { a } from './a.ts';`);
    assert.deepEqual(checkDeadExports([offer, user]), []);
  });

  it('count as used when a worker file is located', () => {
    const user = parseSourceFile('src/base/c.ts', `new Worker(new URL('./a.ts', import.meta.url));`);
    assert.deepEqual(checkDeadExports([offer, user]), []);
  });

  it('are types only when somebody needs the type', () => {
    assertFound(checkDeadExports([parseSourceFile('src/base/a.ts', 'export interface Lonely {}')]), 1, /Lonely/);
  });
});

describe('tests', () => {
  const behaviour = parseSourceFile('src/base/a.ts', `export function a() {\n${times(30, '  work();')}\n}`);
  const tested = (...files: ReturnType<typeof parseSourceFile>[]) =>
    checkTested(files, join(import.meta.dirname, '..'));

  it('lie beside the file', () => {
    assertFound(tested(behaviour), 0, /no test beside it/);
    assert.deepEqual(tested(behaviour, parseSourceFile('src/base/a.test.ts', '')), []);
  });

  it('may be a suite elsewhere that imports the file', () => {
    const suite = parseSourceFile('src/base/contract.test.ts', `import { a } from './a.ts';`);
    assert.deepEqual(tested(behaviour, suite), []);
  });

  it('may reach the file through its folder', () => {
    const face = parseSourceFile('src/base/face.ts', `import { a } from './a.ts';`);
    assert.deepEqual(tested(behaviour, face, parseSourceFile('src/base/face.test.ts', '')), []);
  });

  it('may reach the file through the face of its folder', () => {
    const face = parseSourceFile('src/base.ts', `export { a } from './base/a.ts';`);
    assert.deepEqual(tested(behaviour, face, parseSourceFile('src/base.test.ts', '')), []);
  });

  it('are not asked for types and trifles', () => {
    assert.deepEqual(
      tested(parseSourceFile('src/base/a.ts', `export interface A {\n${times(40, '  b: number;')}\n}`)),
      [],
    );
    assert.deepEqual(tested(parseSourceFile('src/base/a.ts', 'export const a = () => 1;')), []);
  });
});

describe('package.json', () => {
  const program = parseSourceFile('src/base/a.ts', `import { z } from 'zod';\nimport 'node:fs';`);
  const test = parseSourceFile('src/base/a.test.ts', `import fc from 'fast-check/lib';`);

  it('declares what is imported', () => {
    assertFound(compareWithImports([program], {}), 1, /imports zod, .* dependencies/);
    assert.deepEqual(
      compareWithImports([program, test], { dependencies: { zod: '4' }, devDependencies: { 'fast-check': '4' } }),
      [],
    );
  });

  it('does not leave to development what the program needs', () => {
    assertFound(compareWithImports([program], { devDependencies: { zod: '4' } }), 1, /under dependencies/);
  });

  it('declares nothing else', () => {
    assertFound(compareWithImports([], { dependencies: { leftover: '1' } }), 0, /declares leftover/);
  });

  it('declares types only with the package they are of', () => {
    const both = { dependencies: { zod: '4' }, devDependencies: { '@types/zod': '1' } };
    assert.deepEqual(compareWithImports([program], both), []);
    assertFound(compareWithImports([], { devDependencies: { '@types/zod': '1' } }), 0, /declares @types\/zod/);
  });

  it('is locked without naming a registry', () => {
    assertFound(checkLockfile('{\n"resolved": "https://registry.example.org/a.tgz"\n}'), 2, /registry/);
    assert.deepEqual(checkLockfile('{ "integrity": "sha512-x" }'), []);
  });
});
