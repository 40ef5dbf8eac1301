import { stringify } from 'smol-toml';
import { z } from 'zod';
import { variableName } from './environment.ts';
import { configSchema } from './schema.ts';
import { allowedValues, elementOf, fieldsOf, metadataOf, typeName } from './schema-walk.ts';

type Schema = z.core.$ZodType;

const isTable = (schema: Schema): boolean => fieldsOf(schema) !== undefined;
const isTables = (schema: Schema): boolean => isTable(elementOf(schema) ?? schema) && elementOf(schema) !== undefined;

/** The default; undefined for keys without one. */
const defaultOf = (schema: Schema): unknown => (schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined);

const tomlValue = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(tomlValue).join(', ')}]` : stringify({ v: value }).trim().slice('v = '.length);

const description = (schema: Schema): string => metadataOf(schema).description ?? '';

/** The README's table: a row for every key. */
export function renderConfigTable(): string {
  const header = ['| Key | Type | Default | Allowed | Meaning |', '|---|---|---|---|---|'];
  return `${[...header, ...tableRows(configSchema, '')].join('\n')}\n`;
}

function tableRows(table: Schema, prefix: string): string[] {
  return [...(fieldsOf(table) ?? [])].flatMap(([name, { schema }]) => {
    const key = prefix + name;
    if (isTable(schema)) return tableRows(schema, `${key}.`);
    if (isTables(schema)) return tableRows(elementOf(schema)!, `${key}[].`);
    const fallback = defaultOf(schema);
    const cells = [
      `\`${key}\``,
      typeName(schema),
      fallback === undefined ? 'none' : `\`${tomlValue(fallback)}\``,
      allowedValues(schema),
      description(schema),
    ];
    return [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`];
  });
}

const INTRODUCTION = `# RobustMQ: every key with its default. Generated from src/config/schema.ts by \`npm run generate\`.
#
# What wins, from least to most: these defaults, the file given with --config, OpenTelemetry's variables
# (OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_TRACES_EXPORTER,
# OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER, OTEL_METRIC_EXPORT_INTERVAL), variables such as
# ${variableName(['mqtt', 'max_qos'])}=1, and flags such as --set mqtt.max_qos=1. Paths are relative to the working directory.
`;

/** A configuration file with every key, its description and its default; it parses back to the defaults. */
export function renderExampleToml(): string {
  return `${[INTRODUCTION, ...exampleTable(configSchema, '')].join('\n')}\n`;
}

function exampleTable(table: Schema, path: string): string[] {
  const fields = [...(fieldsOf(table) ?? [])];
  // TOML wants a table's own keys before the tables below it.
  const own = fields.filter(([, { schema }]) => !isTable(schema) && !isTables(schema));
  const below = fields.filter(([, { schema }]) => isTable(schema) || isTables(schema));
  return [
    ...own.flatMap(([name, { schema }]) => exampleKey(name, schema)),
    ...below.flatMap(([name, { schema }]) => {
      const at = path === '' ? name : `${path}.${name}`;
      return isTables(schema) ? exampleTables(schema, at) : exampleSection(schema, at);
    }),
  ];
}

const exampleSection = (schema: Schema, path: string): string[] => [
  '',
  `# ${description(schema)}`,
  `[${path}]`,
  ...exampleTable(schema, path),
];

/** An array of tables; one that is empty by default is shown commented out. */
function exampleTables(schema: Schema, path: string): string[] {
  const element = elementOf(schema)!;
  const isEmpty = schema instanceof z.ZodPrefault && (schema.def.defaultValue as unknown[]).length === 0;
  const entry = [`[[${path}]]`, ...exampleTable(element, path)];
  return ['', `# ${description(schema)}`, ...(isEmpty ? entry.map(commentOut) : entry)];
}

const commentOut = (line: string): string => (line.startsWith('#') ? line : `# ${line}`);

function exampleKey(name: string, schema: Schema): string[] {
  const fallback = defaultOf(schema);
  const shown = `${name} = ${tomlValue(fallback ?? metadataOf(schema).example)}`;
  return [`# ${description(schema)} (${allowedValues(schema)})`, fallback === undefined ? commentOut(shown) : shown];
}
