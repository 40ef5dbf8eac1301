export type Numbered<Entry> = Entry & { readonly id: number };

/** Gives each entry of a catalogue its position as id, so that hot code can index arrays by it. */
export function numbered<Entry, Key extends string>(
  entries: Record<Key, Entry>,
): Readonly<Record<Key, Numbered<Entry>>> {
  const result = {} as Record<Key, Numbered<Entry>>;
  let id = 0;
  for (const key of Object.keys(entries) as Key[]) {
    result[key] = Object.freeze({ ...entries[key], id });
    id += 1;
  }
  return Object.freeze(result);
}
