import type { SharedGroup } from '../router/shared-group.ts';
import { canTake, LIVE, type Session } from '../session/session.ts';

/** A message that was given to a member, was not acknowledged, and is the group's again. */
export interface Returned {
  readonly shard: number;
  readonly offset: number;
  /**
   * The member that is away and still has the message in its window: it is sent again to that one if it comes back
   * before another has taken it. Undefined where the member's session has ended.
   */
  readonly holder: { readonly session: Session; readonly packetId: number } | undefined;
}

/** A group is a cursor too: it reads on from the journal when no member could take a message. */
export class GroupState {
  readonly group: SharedGroup<Session>;
  /** By shard number: LIVE, or the offset from which the group still has to read. */
  readonly positions: number[] = [];
  /** Messages not read yet that a member has nevertheless, from before a restart. */
  readonly held = new Set<string>();
  pumping = false;
  /** The oldest stands last, where taking it away costs nothing. */
  #returned: Returned[] = [];

  constructor(group: SharedGroup<Session>, shards: readonly number[]) {
    this.group = group;
    for (const shard of shards) this.positions[shard] = LIVE;
  }

  get hasReturned(): boolean {
    return this.#returned.length > 0;
  }

  /** What goes out before anything newer. */
  get oldestReturned(): Returned | undefined {
    return this.#returned.at(-1);
  }

  get lags(): boolean {
    return this.hasReturned || this.positions.some((position) => position !== LIVE);
  }

  get hasTaker(): boolean {
    return this.group.members.some(({ session }) => mayTake(session));
  }

  /** Puts messages back in their order, before newer ones. */
  giveBack(messages: readonly Returned[]): void {
    this.#returned.push(...messages);
    this.#returned.sort((left, right) => right.shard - left.shard || right.offset - left.offset);
  }

  takeOldestReturned(): void {
    this.#returned.pop();
  }

  /** What the session holds is its own again. */
  reclaim(session: Session): void {
    if (this.hasReturned) this.#returned = this.#returned.filter(({ holder }) => holder?.session !== session);
  }

  /** Oldest first, what no session holds any more. */
  get unheld(): readonly Returned[] {
    return this.#returned.filter(({ holder }) => holder === undefined).reverse();
  }
}

/** What is sent again comes before what is new to a member that has just come back. */
export function mayTake(session: Session): boolean {
  return canTake(session) && session.redeliver.length === 0;
}
