import { stripTypeScriptTypes } from 'node:module';
import { maskSource } from './mask-source.ts';
import { lineOf } from './source-file.ts';

export interface FunctionBody {
  /** Where its opening brace stands. */
  readonly position: number;
  /** From the brace to its partner, both included. */
  readonly lines: number;
}

const CONTROL_WORD = /\b(if|for|while|switch|catch|with|await)\s*$/;

/** The bodies in braces of all functions, methods and arrow functions, inner ones before the outer. */
export function functionBodies(text: string): FunctionBody[] {
  // Without types, what stands before a body is always `)` or `=>`; positions stay as they are.
  const code = maskSource(stripTypeScriptTypes(text));
  const found: FunctionBody[] = [];
  const open: { position: number; isBody: boolean }[] = [];
  for (let position = 0; position < code.length; position++) {
    if (code[position] === '{') open.push({ position, isBody: opensBody(code, position) });
    if (code[position] !== '}') continue;
    const start = open.pop();
    if (!start?.isBody) continue;
    found.push({ position: start.position, lines: lineOf(code, position) - lineOf(code, start.position) + 1 });
  }
  return found;
}

function opensBody(code: string, brace: number): boolean {
  let end = brace - 1;
  while (end >= 0 && /\s/.test(code[end]!)) end--;
  if (code[end] === '>' && code[end - 1] === '=') return true;
  if (code[end] !== ')') return false;
  let depth = 0;
  let start = end;
  for (; start >= 0; start--) {
    if (code[start] === ')') depth++;
    if (code[start] === '(' && --depth === 0) break;
  }
  return !CONTROL_WORD.test(code.slice(Math.max(0, start - 20), start));
}
