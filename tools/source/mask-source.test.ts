import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { maskSource } from './mask-source.ts';

describe('maskSource', () => {
  const cases: [string, string, string][] = [
    ['line comments', 'a // b\nc', 'a     \nc'],
    ['block comments, keeping line breaks', 'a /* b\nc */ d', 'a     \n     d'],
    ['strings, keeping their quotes', `f('x{', "y")`, `f('  ', " ")`],
    ['escaped quotes', `'a\\'b' + c`, `'    ' + c`],
    ['templates, but not their expressions', '`a${b + `c${d}`}e` f', '` ${b + ` ${d}`} ` f'],
    ['objects inside template expressions', '`${f({ a: 1 })}x`', '`${f({ a: 1 })} `'],
    ['regular expressions', 'x = /["/]+/.test(y)', 'x = /     /.test(y)'],
    ['regular expressions after return', "return /'/;", 'return / /;'],
  ];
  for (const [name, source, expected] of cases) {
    it(`blanks ${name}`, () => assert.equal(maskSource(source), expected));
  }

  it('takes a slash after a value for a division', () => {
    assert.equal(maskSource('a / b / c; (d) / e'), 'a / b / c; (d) / e');
  });

  it('keeps the length and every line break of any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('`', '${', '}', "'", '"', '/', '*', '\\', '\n', 'a', ' ', '[')), (parts) => {
        const text = parts.join('');
        const masked = maskSource(text);
        assert.equal(masked.length, text.length);
        assert.equal(masked.replace(/[^\n]/g, ''), text.replace(/[^\n]/g, ''));
      }),
    );
  });
});
