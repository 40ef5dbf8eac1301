/**
 * Nothing, one value, or a map of several by their keys. Most nodes of a topic tree have one child and most sessions one
 * subscription, and a Map for one entry costs about 200 bytes: with 100,000 clients that is the difference that counts.
 */
export type Few<Value extends Keyed> = Value | Map<string, Value> | undefined;

export interface Keyed {
  readonly key: string;
}

export function findIn<Value extends Keyed>(few: Few<Value>, key: string): Value | undefined {
  if (few === undefined) return undefined;
  if (few instanceof Map) return few.get(key);
  return few.key === key ? few : undefined;
}

/** Adds the value, or replaces the one with its key; returns what to keep instead of `few`. */
export function addTo<Value extends Keyed>(few: Few<Value>, value: Value): Few<Value> {
  if (few === undefined) return value;
  if (few instanceof Map) return few.set(value.key, value);
  if (few.key === value.key) return value;
  return new Map([
    [few.key, few],
    [value.key, value],
  ]);
}

/** Returns what to keep instead of `few`: undefined when nothing is left. */
export function removeFrom<Value extends Keyed>(few: Few<Value>, key: string): Few<Value> {
  if (few instanceof Map) {
    few.delete(key);
    return few.size === 0 ? undefined : few;
  }
  return few?.key === key ? undefined : few;
}

export function* valuesOf<Value extends Keyed>(few: Few<Value>): Generator<Value, void, undefined> {
  if (few instanceof Map) yield* few.values();
  else if (few !== undefined) yield few;
}
