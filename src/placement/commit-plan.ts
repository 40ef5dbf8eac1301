import type { PlacementChange, PlacementWrite, WriteOutcome } from './placement.ts';

export interface CommitPlan {
  /** One for each write, in order. */
  readonly outcomes: WriteOutcome[];
  /** The writes whose condition held, in revision order. */
  readonly changes: PlacementChange[];
  /** The store's revision after this group. */
  readonly revision: number;
}

/**
 * Decides what a group of writes does: each write sees those before it.
 * @param revision the store's revision before the group
 * @param revisionOf the revision of a key before the group, 0 when absent; asked only for keys with a condition
 */
export function planCommit(
  writes: readonly PlacementWrite[],
  revision: number,
  revisionOf: (key: string) => number,
): CommitPlan {
  const outcomes: WriteOutcome[] = [];
  const changes: PlacementChange[] = [];
  const changed = new Map<string, number>();
  let last = revision;
  for (const write of writes) {
    const { key } = write;
    if (write.ifRevision !== undefined) {
      const present = changed.get(key) ?? revisionOf(key);
      if (present !== write.ifRevision) {
        outcomes.push({ type: 'conflict', revision: present });
        continue;
      }
    }
    last += 1;
    outcomes.push({ type: 'written', revision: last });
    if (write.type === 'put') {
      changes.push({ type: 'put', key, value: write.value, revision: last });
      changed.set(key, last);
    } else {
      changes.push({ type: 'delete', key, revision: last });
      changed.set(key, 0);
    }
  }
  return { outcomes, changes, revision: last };
}

/** What a finished group changed, for the watchers. */
export function changesOf(writes: readonly PlacementWrite[], outcomes: readonly WriteOutcome[]): PlacementChange[] {
  const changes: PlacementChange[] = [];
  for (let at = 0; at < writes.length; at++) {
    const { type, revision } = outcomes[at]!;
    if (type === 'conflict') continue;
    const write = writes[at]!;
    changes.push(
      write.type === 'put'
        ? { type: 'put', key: write.key, value: write.value, revision }
        : { type: 'delete', key: write.key, revision },
    );
  }
  return changes;
}
