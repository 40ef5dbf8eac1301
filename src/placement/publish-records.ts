import type { Collection, Stored } from './collection.ts';
import { listAll } from './listing.ts';
import type { Placement, PlacementWrite } from './placement.ts';

/** One call of `write` is one group commit, and a group has a limit. */
const WRITES_AT_ONCE = 1000;

/** What publishing changed. */
export interface Publication {
  readonly written: number;
  readonly deleted: number;
  /** Names the source wants too, but whose records are another's: those stay as they are. */
  readonly heldByOthers: readonly string[];
}

/**
 * Makes the records of one source what the source says now: missing and changed ones are written, those it no longer
 * names deleted, the records of others left alone. Every write is conditional on what was read: whoever comes in between
 * wins, and the difference is taken again.
 * @throws PlacementError `corrupt` for a record that does not parse, as nobody knows whose it is
 */
export async function publishRecords<Value>(
  placement: Placement,
  collection: Collection<Value>,
  wanted: ReadonlyMap<string, Value>,
  isOwn: (stored: Stored<Value>) => boolean,
): Promise<Publication> {
  let written = 0;
  let deleted = 0;
  for (;;) {
    const { writes, heldByOthers } = await difference(placement, collection, wanted, isOwn);
    let conflicts = 0;
    for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) {
      const group = writes.slice(at, at + WRITES_AT_ONCE);
      for (const [index, { type }] of (await placement.write(group)).entries()) {
        if (type === 'conflict') conflicts += 1;
        else if (group[index]!.type === 'put') written += 1;
        else deleted += 1;
      }
    }
    // A conflict is somebody else's progress, so this ends.
    if (conflicts === 0) return { written, deleted, heldByOthers };
  }
}

interface Difference {
  readonly writes: PlacementWrite[];
  readonly heldByOthers: string[];
}

async function difference<Value>(
  placement: Placement,
  collection: Collection<Value>,
  wanted: ReadonlyMap<string, Value>,
  isOwn: (stored: Stored<Value>) => boolean,
): Promise<Difference> {
  const writes: PlacementWrite[] = [];
  const heldByOthers: string[] = [];
  const missing = new Map(wanted);
  for await (const entry of listAll(placement, collection.prefix)) {
    const stored = collection.decode(entry);
    const { name, revision } = stored;
    const value = missing.get(name);
    missing.delete(name);
    if (!isOwn(stored)) {
      if (value !== undefined) heldByOthers.push(name);
    } else if (value === undefined) writes.push(collection.deleting(name, revision));
    else if (!collection.holds(entry, value)) writes.push(collection.putting(name, value, revision));
  }
  for (const [name, value] of missing) writes.push(collection.putting(name, value, 0));
  return { writes, heldByOthers };
}
