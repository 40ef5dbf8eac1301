import type { Router } from '../router/router.ts';
import type { SharedGroup } from '../router/shared-group.ts';
import type { ShardPosition } from '../router/subscription.ts';
import { LIVE, placeOf, type Session, visitShared } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import { GroupPump, type GroupPumpParts } from './group-pump.ts';
import { GroupState, mayTake, type Returned } from './group-state.ts';
import type { Message } from './message.ts';
import type { ShardProgress } from './progress.ts';
import type { GroupDelivery, Pusher } from './pusher.ts';

/** What a checkpoint keeps of a group. */
export interface GroupProgress {
  readonly filter: string;
  readonly number: number;
  readonly positions: readonly ShardPosition[];
  readonly returned: readonly ShardPosition[];
}

/**
 * Each message to one member of the group, in turn; to nobody only while nobody can take it. What a member has not
 * acknowledged when it leaves goes to another, before newer messages (MQTT 5 section 4.8.2).
 */
export class SharedDelivery implements GroupDelivery {
  readonly #router: Router<Session>;
  readonly #pusher: Pusher;
  readonly #pump: GroupPump;
  readonly #dropped: DroppedMessages;
  readonly #shards: readonly ShardProgress[];
  readonly #onFailure: (cause: unknown) => void;
  readonly #groups = new Map<string, GroupState>();
  /** Those that lag and wait for a member with room. Hardly ever any: to ask them costs nothing then. */
  readonly #behind = new Set<GroupState>();
  readonly #pumps = new Set<Promise<void>>();

  constructor(
    parts: GroupPumpParts & { router: Router<Session>; pusher: Pusher; onFailure: (cause: unknown) => void },
  ) {
    this.#router = parts.router;
    this.#pusher = parts.pusher;
    this.#pump = new GroupPump(parts);
    this.#dropped = parts.dropped;
    this.#shards = parts.shards;
    this.#onFailure = parts.onFailure;
  }

  /** A message that has just been dispatched. */
  offer(group: SharedGroup<Session>, message: Message): void {
    if (message.shard === -1) {
      const member = group.next(isPresent);
      if (member === undefined) this.#dropped.dispatched(message, 'no_subscriber', 1);
      else this.#pusher.pushTraced(message, member, 0, member.session.receiver!, group.number);
      return;
    }
    const state = this.#stateOf(group);
    if (state.positions[message.shard] !== LIVE) return;
    const member = state.hasReturned ? undefined : group.next(mayTake);
    if (member === undefined) {
      state.positions[message.shard] = message.offset;
      if (!state.pumping) this.#behind.add(state);
      return;
    }
    const { session } = member;
    if (group.outlivesBroker) session.inLastingGroup = true;
    // [MQTT-4.8.2-3]
    this.#pusher.pushTraced(message, member, Math.min(message.qos, member.qos), session.receiver!, group.number);
  }

  /** Whether the group is offered what is dispatched of the shard, and does not read it from the journal. */
  isLive(group: SharedGroup<Session>, shard: number): boolean {
    return this.#stateOf(group).positions[shard] === LIVE;
  }

  /** The session can take more: so can the groups it is in. Asked with every acknowledgement. */
  wake(session: Session): void {
    if (this.#behind.size === 0) return;
    // Either may be any number; both hardly ever are.
    if (this.#behind.size < this.#router.countOf(session)) {
      for (const state of this.#behind)
        if (this.#router.find(session, state.group.filter) !== undefined) this.#start(state);
    } else
      for (const { filter } of this.#router.subscriptionsOf(session)) {
        const state = this.#groups.get(filter);
        if (state !== undefined && this.#behind.has(state)) this.#start(state);
      }
  }

  /**
   * The member is away: others may have what it did not acknowledge. What was its before it unsubscribed remains its
   * [MQTT-3.10.4-3], and so does a QoS 2 message that is on its way [MQTT-4.8.2-4].
   */
  memberLeft(session: Session): void {
    this.#giveBack(session, (packetId) => ({ session, packetId }), isMember(this.#router, session));
  }

  /** The member is back before all of it was taken: the rest is sent again to it, as to any client [MQTT-4.4.0-1]. */
  memberReturned(session: Session): void {
    for (const { filter } of this.#router.subscriptionsOf(session)) this.#groups.get(filter)?.reclaim(session);
  }

  /** Its session has ended, and its subscriptions with it: what it held is the groups' alone. */
  memberEnded(session: Session): void {
    if (session.window.count === 0) return;
    for (const state of this.#groups.values()) state.reclaim(session);
    this.#giveBack(
      session,
      () => undefined,
      () => true,
    );
  }

  /** Goes on where a checkpoint left the group. Its members must be subscribed; they are away. */
  restore(group: SharedGroup<Session>, progress: GroupProgress): void {
    const state = this.#stateOf(group);
    for (const { session } of group.members)
      session.window.inOrder(({ group: home, qos, shard, offset }) => {
        if (home === group.number && qos === 2) state.held.add(placeOf(shard, offset));
      });
    const returned = group.members.flatMap(({ session }) => claimsOf(session, state));
    for (const [shard, offset] of progress.positions) state.positions[shard] = offset;
    for (const [shard, offset] of progress.returned)
      if (!state.held.has(placeOf(shard, offset))) returned.push({ shard, offset, holder: undefined });
    state.giveBack(returned);
    if (state.lags) this.#behind.add(state);
  }

  /** Forgets the groups whose last member has unsubscribed: nobody asks for what they have not read. */
  progress(): GroupProgress[] {
    for (const [filter, state] of this.#groups) {
      if (!state.group.isEmpty) continue;
      this.#groups.delete(filter);
      this.#behind.delete(state);
    }
    return [...this.#groups.values()].map(({ group, positions, unheld }) => ({
      filter: group.filter,
      number: group.number,
      positions: this.#shards.map(({ shard, dispatchedEnd }): ShardPosition => {
        const position = positions[shard.number] ?? LIVE;
        return [shard.number, position === LIVE ? dispatchedEnd : position];
      }),
      returned: [
        ...unheld.map(({ shard, offset }): ShardPosition => [shard, offset]),
        ...group.members.flatMap(({ session }) => passingHeld(session, group.number)),
      ],
    }));
  }

  async idle(): Promise<void> {
    while (this.#pumps.size > 0) await Promise.all(this.#pumps);
  }

  #giveBack(
    session: Session,
    holderOf: (packetId: number) => Returned['holder'],
    concerns: (state: GroupState) => boolean,
  ): void {
    const returned = new Map<number, Returned[]>();
    visitShared(session, ({ group, shard, offset, packetId }) => {
      const messages = returned.get(group) ?? [];
      messages.push({ shard, offset, holder: holderOf(packetId) });
      returned.set(group, messages);
    });
    if (returned.size === 0) return;
    for (const known of this.#groups.values()) {
      const messages = returned.get(known.group.number);
      const state = messages && this.#presentStateOf(known);
      if (state === undefined || !concerns(state)) continue;
      state.giveBack(messages!);
      if (!state.pumping) this.#start(state);
    }
  }

  /** Everybody may have left the group since, and others have founded it anew. */
  #presentStateOf(known: GroupState): GroupState | undefined {
    const group = this.#router.groupOf(known.group.filter);
    return group && this.#stateOf(group);
  }

  #stateOf(group: SharedGroup<Session>): GroupState {
    const known = this.#groups.get(group.filter);
    if (known !== undefined && known.group === group) return known;
    const state = new GroupState(
      group,
      this.#shards.map(({ shard }) => shard.number),
    );
    if (known !== undefined) this.#behind.delete(known);
    this.#groups.set(group.filter, state);
    return state;
  }

  #start(state: GroupState): void {
    state.pumping = true;
    this.#behind.delete(state);
    const stopped = (): void => {
      state.pumping = false;
      this.#pumps.delete(pump);
      if (state.lags && this.#groups.get(state.group.filter) === state) this.#behind.add(state);
    };
    const pump = this.#pump.run(state).then(
      () => {
        stopped();
        // One shard may have fallen behind while another was read, and nobody need call again.
        if (state.lags && state.hasTaker) this.#start(state);
      },
      (error: unknown) => {
        stopped();
        this.#onFailure(error);
      },
    );
    this.#pumps.add(pump);
  }
}

function isMember(router: Router<Session>, session: Session): (state: GroupState) => boolean {
  return ({ group }) => router.find(session, group.filter) !== undefined;
}

/**
 * What the member holds at QoS 1, for others too to have. A member's record may have become durable before the note that
 * the message was taken from another: then it is with both, and stays with the one that was to get it at QoS 2.
 */
function claimsOf(session: Session, { group, held }: GroupState): Returned[] {
  const claims: Returned[] = [];
  visitShared(session, (window) => {
    const { shard, offset, packetId } = window;
    if (window.group !== group.number) return;
    if (held.has(placeOf(shard, offset))) {
      window.acknowledge(packetId);
      session.dirty = true;
      return;
    }
    held.add(placeOf(shard, offset));
    claims.push({ shard, offset, holder: { session, packetId } });
  });
  return claims;
}

function isPresent(session: Session): boolean {
  return session.receiver !== undefined && !session.receiver.saturated;
}

/** What a session that ends with its connection, and so with the broker, holds for the group: after a crash it is the group's. */
function passingHeld(session: Session, group: number): ShardPosition[] {
  const held: ShardPosition[] = [];
  if (session.persistent) return held;
  visitShared(session, (window) => {
    if (window.group === group) held.push([window.shard, window.offset]);
  });
  return held;
}
