import assert from 'node:assert/strict';
import { ConfigError } from '../config-error.ts';
import { loadConfig } from '../load-config.ts';

/** What is wrong with these keys below `prefix`, everything else being as it is by default. */
export function problemsOf(prefix: string, keys: Readonly<Record<string, string>>): readonly string[] {
  const set = Object.entries(keys).map(([key, value]) => `${prefix}.${key}=${value}`);
  try {
    loadConfig({ environment: {}, flags: { set } });
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ sentence }) => sentence);
  }
}
