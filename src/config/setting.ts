import { parse } from 'smol-toml';
import { z } from 'zod';
import { elementOf, schemaAt, unwrap } from './schema-walk.ts';

/** One value from one source. Later settings win over earlier ones; tables merge, arrays are replaced as a whole. */
export interface Setting {
  /** TOML names and array indexes. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** Where it was given, for messages: a file, a variable, a flag. */
  readonly source: string;
}

type Tree = { [key: string]: unknown };

/** A setting from text (variable or flag): the schema says how to read it. Text that does not fit stays text, to be refused. */
export function settingFromText(path: readonly string[], text: string, source: string): Setting {
  const schema = schemaAt(path);
  return { path, value: schema === undefined ? text : readText(schema, text), source };
}

function readText(schema: z.core.$ZodType, text: string): unknown {
  const inner = unwrap(schema);
  const trimmed = text.trim();
  if (inner instanceof z.ZodBoolean) return trimmed === 'true' ? true : trimmed === 'false' ? false : text;
  if (inner instanceof z.ZodNumber)
    return /^[+-]?\d[\d_]*(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) ? readNumber(trimmed) : text;
  if (inner instanceof z.ZodArray || inner instanceof z.ZodObject) return readStructure(inner, trimmed);
  return text;
}

const readNumber = (text: string): number => Number(text.replaceAll('_', ''));

/** JSON, a TOML value, or (for arrays of strings) names with commas between. */
function readStructure(schema: z.core.$ZodType, text: string): unknown {
  if (!/^[[{]/.test(text)) {
    const element = elementOf(schema);
    return element !== undefined && !(element instanceof z.ZodObject)
      ? text.split(',').map((part) => part.trim())
      : text;
  }
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: TOML's inline tables and arrays look different.
  }
  try {
    return parse(`value = ${text}`).value;
  } catch {
    return text;
  }
}

/** The settings of a parsed TOML file: tables are taken apart, so that other sources can override single keys. */
export function settingsFromTree(tree: Tree, source: string, path: readonly string[] = []): Setting[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const at = [...path, name];
    return isTree(value) ? settingsFromTree(value, source, at) : [{ path: at, value, source }];
  });
}

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Lays the settings over one another. Returns the tree and the settings whose index lies beyond the end of an array. */
export function mergeSettings(settings: readonly Setting[]): { tree: Tree; misplaced: Setting[] } {
  const tree = emptyTree();
  const misplaced = settings.filter(({ path, value }) => !place(tree, path, value));
  return { tree, misplaced };
}

/** No prototype, so that no key, whatever its name, means anything but itself. */
const emptyTree = (): Tree => Object.create(null);

function place(tree: Tree, path: readonly string[], value: unknown): boolean {
  let container: Tree | unknown[] = tree;
  for (const [depth, segment] of path.entries()) {
    if (Array.isArray(container) && !(/^\d+$/.test(segment) && Number(segment) <= container.length)) return false;
    const fields = container as Tree;
    if (depth === path.length - 1) {
      fields[segment] = value;
      return true;
    }
    const next = fields[segment];
    if (Array.isArray(next) || isTree(next)) container = next;
    else {
      container = /^\d+$/.test(path[depth + 1]!) ? [] : emptyTree();
      fields[segment] = container;
    }
  }
  return false;
}
