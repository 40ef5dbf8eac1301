import { readFileSync } from 'node:fs';
import { parse, TomlError, type TomlTable } from 'smol-toml';
import type { z } from 'zod';
import { ConfigError, type Problem, showValue } from './config-error.ts';
import { checkConsistency } from './consistency.ts';
import { type Environment, settingsFromEnvironment, settingsFromOpenTelemetry, variableName } from './environment.ts';
import { type ConfigFlags, settingsFromFlags } from './flags.ts';
import { nearestName } from './nearest-name.ts';
import { type Config, configSchema } from './schema.ts';
import { allowedValues, elementOf, fieldsOf, knownKeys, schemaAt, tomlName } from './schema-walk.ts';
import { isTree, mergeSettings, type Setting, settingsFromTree } from './setting.ts';

export interface ConfigSources {
  /** Path of a TOML file. */
  readonly file?: string | undefined;
  readonly environment: Environment;
  readonly flags?: ConfigFlags;
}

/**
 * The configuration from, each over the one before: defaults, file, OpenTelemetry's variables, ROBUSTMQ_ variables, flags.
 * Throws a ConfigError that lists all that is wrong; nothing has been opened or created by then.
 */
export function loadConfig({ file, environment, flags = {} }: ConfigSources): Config {
  const openTelemetry = settingsFromOpenTelemetry(environment);
  const fromFlags = settingsFromFlags(flags);
  const settings = [
    ...(file === undefined ? [] : settingsFromTree(readToml(file), file)),
    ...openTelemetry.settings,
    ...settingsFromEnvironment(environment),
    ...fromFlags.settings,
  ];
  const problems = [...openTelemetry.problems, ...fromFlags.problems];
  const config = resolve(settings, problems);
  if (config === undefined || problems.length > 0)
    throw new ConfigError(
      'invalid',
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:`,
      problems,
    );
  return config;
}

function readToml(file: string): TomlTable {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('file_unreadable', `The configuration file ${file} cannot be read: ${reason}`, [], error);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest quotes the file, which may hold what a log must not.
    const [reason] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new ConfigError('file_malformed', `${file}:${error.line}:${error.column}: not valid TOML: ${reason}`);
  }
}

/** Merges and checks; what is wrong is added to `problems`. */
function resolve(settings: readonly Setting[], problems: Problem[]): Config | undefined {
  const { tree, misplaced } = mergeSettings(settings);
  for (const { path, source } of misplaced) {
    const key = path.join('.');
    problems.push({ key, sentence: `${key} (${source}): arrays are filled from index 0 on, without gaps` });
  }
  const named = rename(configSchema, tree, [], (path) => problems.push(unknownKey(path, settings)));
  const parsed = configSchema.safeParse(named);
  if (parsed.success) {
    if (problems.length === 0) problems.push(...checkConsistency(parsed.data));
    return parsed.data;
  }
  problems.push(...parsed.error.issues.map((issue) => wrongValue(issue, named, settings)));
  return undefined;
}

/** The tree with the names that are used in memory. Unknown keys are reported and left out. */
function rename(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly string[],
  onUnknown: (path: readonly string[]) => void,
): unknown {
  const element = elementOf(schema);
  if (element !== undefined && Array.isArray(value))
    return value.map((item, index) => rename(element, item, [...path, String(index)], onUnknown));
  const fields = fieldsOf(schema);
  if (fields === undefined || !isTree(value)) return value;
  const renamed: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const field = fields.get(name);
    if (field === undefined) onUnknown([...path, name]);
    else renamed[field.key] = rename(field.schema, item, [...path, name], onUnknown);
  }
  return renamed;
}

/** Never shows the value: a misspelt key may hold anything. */
function unknownKey(path: readonly string[], settings: readonly Setting[]): Problem {
  const key = path.join('.');
  const source = sourceOf(path, settings);
  const known = knownKeys();
  const names = known.map((candidate) => candidate.path.join('.'));
  const last = path.at(-1)!;
  const nearest =
    nearestName(path.filter((segment) => !/^\d+$/.test(segment)).join('.'), names) ?? namesAtEnd(names, last).at(0);
  const fromVariable = source.startsWith('ROBUSTMQ_');
  const siblings = fieldsOf(schemaAt(path.slice(0, -1)) ?? configSchema) ?? new Map();
  const hint =
    nearest === undefined
      ? `known here: ${[...siblings.keys()].join(', ')}`
      : `did you mean ${fromVariable ? variableName(nearest.split('.')) : nearest}?`;
  return {
    key,
    sentence: fromVariable ? `${source}: no such key; ${hint}` : `${key} (${source}): no such key; ${hint}`,
  };
}

/** The keys whose last part this is; those that count for all before those of one entry of a list. */
function namesAtEnd(names: readonly string[], last: string): string[] {
  const isOfEntry = (name: string): boolean => elementOf(schemaAt([name.split('.')[0]!])!) !== undefined;
  const matching = names.filter((name) => name.endsWith(`.${last}`));
  return matching.toSorted((left, right) => Number(isOfEntry(left)) - Number(isOfEntry(right)));
}

function wrongValue(issue: z.core.$ZodIssue, named: unknown, settings: readonly Setting[]): Problem {
  const path = issue.path.map((segment) => tomlName(String(segment)));
  const key = path.join('.');
  const source = sourceOf(path, settings);
  let value = named;
  for (const segment of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[segment];
  const schema = schemaAt(path);
  const allowed = schema === undefined ? issue.message : `must be ${allowedValues(schema)}`;
  const found = value === undefined ? `${key} is missing (${source})` : `${key} = ${showValue(value)} (${source})`;
  return { key, sentence: `${found}: ${allowed}` };
}

/** Where the last setting at, above or below the path came from. */
function sourceOf(path: readonly string[], settings: readonly Setting[]): string {
  const setting = settings.findLast(({ path: other }) =>
    other.slice(0, path.length).every((segment, index) => segment === path[index] || index >= path.length),
  );
  return setting?.source ?? 'default';
}
