import type { SharedGroup } from './shared-group.ts';
import { type Match, matchesOf, type Overlapping, type Subscriber, type Subscription } from './subscription.ts';

/**
 * Whom a message reaches: each session once, or once for each of its subscriptions, and the shared groups, of which one
 * member each will take it.
 */
export class MatchSet<S extends Subscriber> {
  /** By session number; those of one session side by side. */
  readonly members: readonly Match<S>[];
  readonly groups: readonly SharedGroup<S>[];
  /** False: nobody asked for "no local", and the publisher needs no comparing (`Match.toSelf`). */
  readonly hasNoLocal: boolean;

  constructor(members: readonly Match<S>[], groups: readonly SharedGroup<S>[]) {
    this.members = members;
    this.groups = groups;
    this.hasNoLocal = members.some((member) => member.toSelf !== member);
  }

  get isEmpty(): boolean {
    return this.members.length === 0 && this.groups.length === 0;
  }
}

/** Below this many known sets nothing is swept. */
const SMALLEST_SWEEP = 1024;

/**
 * Makes sets of what a tree collected. Two topics with the same members on the same terms get the identical set, so
 * that a run of messages to one set can be copied at once. A set lives as long as a topic holds it.
 */
export class MatchSets<S extends Subscriber> {
  readonly empty = new MatchSet<S>([], []);
  readonly #overlapping: Overlapping;
  readonly #known = new Map<number, WeakRef<MatchSet<S>>>();
  #sweepAt = SMALLEST_SWEEP;

  constructor(overlapping: Overlapping = 'one') {
    this.#overlapping = overlapping;
  }

  /** The number of sets known, those no longer held and not yet swept included. */
  get size(): number {
    return this.#known.size;
  }

  /** The arrays are the caller's to reuse; they come back sorted. */
  intern(direct: Subscription<S>[], groups: SharedGroup<S>[]): MatchSet<S> {
    if (direct.length === 0 && groups.length === 0) return this.empty;
    const members = combineBySession(direct, this.#overlapping);
    groups.sort((left, right) => left.number - right.number);
    const hash = hashSet(members, groups);
    const known = this.#known.get(hash)?.deref();
    if (known !== undefined && isSame(known, members, groups)) return known;
    const set = new MatchSet(members, groups.slice());
    // Of two sets with one hash the newer is known: the older is as right as before, only no longer found.
    this.#known.set(hash, new WeakRef(set));
    if (this.#known.size >= this.#sweepAt) this.#sweep();
    return set;
  }

  #sweep(): void {
    for (const [hash, reference] of this.#known) if (reference.deref() === undefined) this.#known.delete(hash);
    this.#sweepAt = Math.max(SMALLEST_SWEEP, this.#known.size * 2);
  }
}

/** Sorts, and makes matches of each session's run. */
function combineBySession<S extends Subscriber>(direct: Subscription<S>[], overlapping: Overlapping): Match<S>[] {
  direct.sort((left, right) => left.session.number - right.session.number);
  const members: Match<S>[] = [];
  for (let start = 0; start < direct.length; ) {
    const { session } = direct[start]!;
    let end = start + 1;
    while (end < direct.length && direct[end]!.session === session) end += 1;
    if (end === start + 1) members.push(direct[start]!);
    else members.push(...matchesOf(direct.slice(start, end), overlapping));
    start = end;
  }
  return members;
}

function hashSet<S extends Subscriber>(members: readonly Match<S>[], groups: readonly SharedGroup<S>[]): number {
  let hash = members.length;
  for (const member of members) {
    hash = mix(mix(hash, member.session.number), member.number);
    hash = mix(hash, member.qos * 4 + (member.retainAsPublished ? 2 : 0) + (member.toSelf === member ? 1 : 0));
    for (const identifier of member.identifiers) hash = mix(hash, identifier);
  }
  for (const group of groups) hash = mix(hash, group.number);
  return hash;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}

function isSame<S extends Subscriber>(
  set: MatchSet<S>,
  members: readonly Match<S>[],
  groups: readonly SharedGroup<S>[],
): boolean {
  return (
    set.members.length === members.length &&
    set.groups.length === groups.length &&
    set.groups.every((group, index) => group === groups[index]) &&
    set.members.every((member, index) => isSameMatch(member, members[index]!))
  );
}

function isSameMatch<S extends Subscriber>(left: Match<S>, right: Match<S>): boolean {
  if (left === right) return true;
  // The object and not its number: a session that was taken over keeps the number.
  if (left.session !== right.session || left.number !== right.number || left.qos !== right.qos) return false;
  if (left.retainAsPublished !== right.retainAsPublished) return false;
  if (left.identifiers.length !== right.identifiers.length) return false;
  if (!left.identifiers.every((identifier, index) => identifier === right.identifiers[index])) return false;
  const leftUniform = left.toSelf === left;
  if (leftUniform || right.toSelf === right) return leftUniform && right.toSelf === right;
  if (left.toSelf === undefined || right.toSelf === undefined) return left.toSelf === right.toSelf;
  return isSameMatch(left.toSelf, right.toSelf);
}
