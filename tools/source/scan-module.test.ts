import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSourceFile } from './source-file.ts';

function imports(text: string) {
  return parseSourceFile('src/broker/router.ts', text).module.imports;
}

function exports(text: string) {
  return parseSourceFile('src/broker/router.ts', text).module.exports.map(({ name, isType }) => ({ name, isType }));
}

describe('imports of a module', () => {
  it('names what is taken and where it lies in the repository', () => {
    const [found] = imports(`import { a, type B as C } from '../base/clock.ts';`);
    assert.deepEqual(
      { ...found },
      { specifier: '../base/clock.ts', target: 'src/base/clock.ts', names: ['a', 'B'], isTypeOnly: false, position: 0 },
    );
  });

  it('knows an import of types alone, in both spellings', () => {
    assert.equal(imports(`import type { A } from './a.ts';`)[0]?.isTypeOnly, true);
    assert.equal(imports(`import { type A, type B } from './a.ts';`)[0]?.isTypeOnly, true);
  });

  it('takes a namespace, a dynamic import, a side effect and a located worker file for everything', () => {
    for (const text of [
      `import * as a from './a.ts';`,
      `await import('./a.ts');`,
      `import './a.ts';`,
      `export * from './a.ts';`,
      `new Worker(new URL('./a.ts', import.meta.url));`,
    ]) {
      assert.deepEqual(
        imports(text).map(({ names, target }) => ({ names, target })),
        [{ names: ['*'], target: 'src/broker/a.ts' }],
        text,
      );
    }
  });

  it('reads several lines, defaults and packages', () => {
    const [first, second] = imports(`import net, {\n  type Socket,\n} from 'node:net';\nimport fc from 'fast-check';`);
    assert.deepEqual([first?.specifier, first?.names], ['node:net', ['default', 'Socket']]);
    assert.deepEqual([second?.specifier, second?.names, second?.target], ['fast-check', ['default'], undefined]);
  });

  it('is not fooled by comments and strings', () => {
    assert.deepEqual(imports(`// import a from './a.ts';\nconst text = "import './b.ts'";`), []);
  });
});

describe('exports of a module', () => {
  it('lists declarations and export lists', () => {
    assert.deepEqual(
      exports(
        'export async function f() {}\nexport interface I {}\nexport class C {}\nconst x = 1;\nexport { x as y };',
      ),
      [
        { name: 'f', isType: false },
        { name: 'I', isType: true },
        { name: 'C', isType: false },
        { name: 'y', isType: false },
      ],
    );
  });
});
