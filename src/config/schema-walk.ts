import { z } from 'zod';
import { configSchema } from './schema.ts';

/** `maxQos` in memory is `max_qos` in files, variables, flags and messages. */
export const tomlName = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The schema without what is wrapped around it for defaults and optional keys. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return unwrap(schema.def.innerType);
  return schema;
}

/** The fields of a table, by TOML name; undefined for anything else. */
export function fieldsOf(schema: z.core.$ZodType): ReadonlyMap<string, Field> | undefined {
  const table = unwrap(schema);
  if (!(table instanceof z.ZodObject)) return undefined;
  const shape: Record<string, z.core.$ZodType> = table.shape;
  return new Map(Object.entries(shape).map(([key, field]) => [tomlName(key), { key, schema: field }]));
}

export interface Field {
  /** Name in memory. */
  readonly key: string;
  readonly schema: z.core.$ZodType;
}

export function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const array = unwrap(schema);
  return array instanceof z.ZodArray ? array.element : undefined;
}

/** The schema at a path of TOML names and array indexes; undefined where there is no such key. */
export function schemaAt(path: readonly string[]): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = configSchema;
  for (const segment of path) {
    if (schema === undefined) return undefined;
    schema = /^\d+$/.test(segment) ? elementOf(schema) : fieldsOf(schema)?.get(segment)?.schema;
  }
  return schema;
}

interface Metadata {
  readonly description?: string | undefined;
  readonly allowed?: string;
  readonly example?: unknown;
}

/** What a declaration says beside its type, on the outermost wrapper or further in. */
export function metadataOf(schema: z.core.$ZodType): Metadata {
  const own: Metadata = z.globalRegistry.get(schema) ?? {};
  const inner = unwrap(schema);
  return inner === schema ? own : { ...z.globalRegistry.get(inner), ...own };
}

/** The type in a word or two, for the table. */
export function typeName(schema: z.core.$ZodType): string {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return `array of ${typeName(inner.element)}s`;
  if (inner instanceof z.ZodObject) return 'table';
  if (inner instanceof z.ZodBoolean) return 'boolean';
  if (inner instanceof z.ZodNumber) return inner.format === 'safeint' ? 'integer' : 'number';
  return 'string';
}

/** What may stand there, to follow "must be". */
export function allowedValues(schema: z.core.$ZodType): string {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodEnum) {
    const options = inner.options.map((option) => `"${option}"`).join(', ');
    return inner.options.length === 1 ? options : `one of ${options}`;
  }
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodNumber)
    return `${typeName(inner) === 'integer' ? 'an integer' : 'a number'} from ${inner.minValue} to ${inner.maxValue}`;
  if (inner instanceof z.ZodArray) {
    if (inner.element instanceof z.ZodObject) return 'an array of tables';
    return `an array of at least one entry, each ${allowedValues(inner.element)}`;
  }
  if (inner instanceof z.ZodObject) return 'a table';
  return metadataOf(schema).allowed ?? 'a string';
}

export interface KnownKey {
  /** TOML names, without array indexes. */
  readonly path: readonly string[];
  readonly schema: z.core.$ZodType;
}

/** Every table and key of the schema, in the order it declares them. */
export function knownKeys(schema: z.core.$ZodType = configSchema, path: readonly string[] = []): KnownKey[] {
  const fields = fieldsOf(elementOf(schema) ?? schema);
  if (fields === undefined) return [];
  return [...fields].flatMap(([name, field]) => {
    const at = [...path, name];
    return [{ path: at, schema: field.schema }, ...knownKeys(field.schema, at)];
  });
}
