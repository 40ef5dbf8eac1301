import type { Clock } from '../../base/clock.ts';
import type { Journal } from '../../journal/journal.ts';
import { RecordKind, RecordView } from '../../journal/record-batch.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { Router } from '../router/router.ts';
import type { SharedGroup } from '../router/shared-group.ts';
import type { ShardPosition } from '../router/subscription.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { canTake, LIVE, type Session } from '../session/session.ts';
import type { LateDelivery } from './late-delivery.ts';
import { Message } from './message.ts';
import type { ShardProgress } from './progress.ts';
import type { GroupDelivery, Pusher } from './pusher.ts';
import { readRecord } from './record-message.ts';

const READ_RECORDS = 256;
const READ_BYTES = 256 * 1024;
const DROPPED_EXPIRED = counterId(METRICS.messagesDroppedTotal, 'expired');
const DROPPED_NO_SUBSCRIBER = counterId(METRICS.messagesDroppedTotal, 'no_subscriber');
const DROPPED_RETENTION = counterId(METRICS.messagesDroppedTotal, 'retention');

/** A group is a cursor too: it reads on from the journal when no member could take a message. */
interface GroupState {
  readonly group: SharedGroup<Session>;
  readonly positions: number[];
  /** What a member had not acknowledged when its session ended, oldest first. */
  readonly returned: [shard: number, offset: number][];
  /** Messages not read yet that a member has nevertheless, from before a restart. */
  readonly held: Set<string>;
  pumping: boolean;
}

/** What a checkpoint keeps of a group. */
export interface GroupProgress {
  readonly filter: string;
  readonly number: number;
  readonly positions: readonly ShardPosition[];
  readonly returned: readonly ShardPosition[];
}

/** Each message to one member of the group, in turn; to nobody twice, and to nobody only while nobody can take it. */
export class SharedDelivery implements GroupDelivery {
  readonly #journal: Journal;
  readonly #router: Router<Session>;
  readonly #late: LateDelivery;
  readonly #pusher: Pusher;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #shards: readonly ShardProgress[];
  readonly #onFailure: (cause: unknown) => void;
  readonly #groups = new Map<string, GroupState>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #message = new Message();
  readonly #record = new RecordView();

  constructor(parts: {
    journal: Journal;
    router: Router<Session>;
    late: LateDelivery;
    pusher: Pusher;
    topics: TopicTable<Session, undefined>;
    metrics: Metrics;
    clock: Clock;
    shards: readonly ShardProgress[];
    onFailure: (cause: unknown) => void;
  }) {
    this.#journal = parts.journal;
    this.#router = parts.router;
    this.#late = parts.late;
    this.#pusher = parts.pusher;
    this.#topics = parts.topics;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#shards = parts.shards;
    this.#onFailure = parts.onFailure;
  }

  /** A message that has just been dispatched. */
  offer(group: SharedGroup<Session>, message: Message): void {
    if (message.shard === -1) {
      const member = group.next(isPresent);
      if (member === undefined) this.#metrics.add(DROPPED_NO_SUBSCRIBER, 1);
      else this.#pusher.pushTraced(message, member, 0, member.session.receiver!, group.number);
      return;
    }
    const state = this.#stateOf(group);
    if (state.positions[message.shard] !== LIVE) return;
    const member = state.returned.length === 0 ? group.next(canTake) : undefined;
    if (member === undefined) state.positions[message.shard] = message.offset;
    else
      this.#pusher.pushTraced(
        message,
        member,
        Math.min(message.qos, member.qos),
        member.session.receiver!,
        group.number,
      );
  }

  /** The session can take more: so can the groups it is in. Asked with every acknowledgement. */
  wake(session: Session): void {
    if (this.#groups.size === 0) return;
    for (const { filter } of this.#router.subscriptionsOf(session)) {
      const state = this.#groups.get(filter);
      if (state !== undefined && !state.pumping && this.#lags(state)) this.#start(state);
    }
  }

  /** The member's session has ended: what it was given and did not acknowledge is the group's again. */
  giveBack(session: Session): void {
    session.window.inOrder(({ group, qos, shard, offset }) => {
      if (group === 0 || qos !== 1) return;
      for (const state of this.#groups.values()) if (state.group.number === group) state.returned.push([shard, offset]);
    });
    for (const state of this.#groups.values()) {
      if (state.group.isEmpty) this.#groups.delete(state.group.filter);
      else if (!state.pumping && this.#lags(state)) this.#start(state);
    }
  }

  /** Goes on where a checkpoint left the group. Its members must be subscribed. */
  restore(group: SharedGroup<Session>, progress: GroupProgress): void {
    const state = this.#stateOf(group);
    for (const { session } of group.members)
      session.window.inOrder((window) => {
        if (window.group === group.number) state.held.add(placeOf(window.shard, window.offset));
      });
    for (const [shard, offset] of progress.positions) state.positions[shard] = offset;
    for (const [shard, offset] of progress.returned)
      if (!state.held.has(placeOf(shard, offset))) state.returned.push([shard, offset]);
  }

  /** Forgets the groups whose last member has unsubscribed: nobody asks for what they have not read. */
  progress(): GroupProgress[] {
    for (const [filter, { group }] of this.#groups) if (group.isEmpty) this.#groups.delete(filter);
    return [...this.#groups.values()].map(({ group, positions, returned }) => ({
      filter: group.filter,
      number: group.number,
      positions: this.#shards.map(({ shard, dispatchedEnd }): ShardPosition => {
        const position = positions[shard.number] ?? LIVE;
        return [shard.number, position === LIVE ? dispatchedEnd : position];
      }),
      returned: [...returned, ...group.members.flatMap(({ session }) => passingHeld(session, group.number))],
    }));
  }

  async idle(): Promise<void> {
    while (this.#pumps.size > 0) await Promise.all(this.#pumps);
  }

  #stateOf(group: SharedGroup<Session>): GroupState {
    const known = this.#groups.get(group.filter);
    if (known !== undefined && known.group === group) return known;
    const positions: number[] = [];
    for (const { shard } of this.#shards) positions[shard.number] = LIVE;
    const state: GroupState = { group, positions, returned: [], held: new Set(), pumping: false };
    this.#groups.set(group.filter, state);
    return state;
  }

  #lags(state: GroupState): boolean {
    return state.returned.length > 0 || this.#shards.some(({ shard }) => state.positions[shard.number] !== LIVE);
  }

  #start(state: GroupState): void {
    state.pumping = true;
    const stopped = (): void => {
      state.pumping = false;
      this.#pumps.delete(pump);
    };
    const pump = this.#pump(state).then(
      () => {
        stopped();
        // One shard may have fallen behind while another was read, and nobody need call again.
        if (this.#lags(state) && hasTaker(state.group)) this.#start(state);
      },
      (error: unknown) => {
        stopped();
        this.#onFailure(error);
      },
    );
    this.#pumps.add(pump);
  }

  async #pump(state: GroupState): Promise<void> {
    while (state.returned.length > 0) if (!(await this.#sendReturned(state))) return;
    for (const progress of this.#shards)
      while (state.positions[progress.shard.number] !== LIVE) if (!(await this.#readOn(state, progress))) return;
  }

  /** False: no member can take it now. */
  async #sendReturned(state: GroupState): Promise<boolean> {
    const [shard, offset] = state.returned[0]!;
    const name = this.#shards.find((progress) => progress.shard.number === shard)?.shard.name;
    if (!hasTaker(state.group)) return false;
    const request = { from: offset, maxRecords: 1, maxBytes: 1 };
    const entry = name === undefined ? undefined : (await this.#journal.read(name, request)).entries[0];
    if (entry?.offset !== offset) this.#metrics.add(DROPPED_RETENTION, 1);
    else if (!this.#send(state, entry.buffer, entry.position, shard, offset)) return false;
    state.returned.shift();
    return true;
  }

  async #readOn(state: GroupState, progress: ShardProgress): Promise<boolean> {
    const { number, name } = progress.shard;
    const from = state.positions[number]!;
    if (!hasTaker(state.group)) return false;
    const filter = state.group.filter.slice(state.group.filter.indexOf('/', '$share/'.length) + 1);
    const { entries, next, lost } = await this.#journal.read(name, {
      from,
      filters: [filter],
      maxRecords: READ_RECORDS,
      maxBytes: READ_BYTES,
    });
    if (lost > 0) this.#metrics.add(DROPPED_RETENTION, lost);
    for (const entry of entries) {
      if (entry.offset >= progress.dispatchedEnd) break;
      if (state.held.delete(placeOf(number, entry.offset))) continue;
      if (!this.#send(state, entry.buffer, entry.position, number, entry.offset)) {
        state.positions[number] = entry.offset;
        return false;
      }
    }
    const reached = Math.min(next, progress.dispatchedEnd);
    state.positions[number] = reached === progress.dispatchedEnd ? LIVE : reached;
    return true;
  }

  /** To the next member in turn. False: none can take it. */
  #send(state: GroupState, buffer: Uint8Array, position: number, shard: number, offset: number): boolean {
    const record = this.#record.at(buffer, position);
    if (record.kind !== RecordKind.message) return true;
    const message = this.#message;
    if (!readRecord(record, message, this.#clock.now())) {
      this.#metrics.add(DROPPED_EXPIRED, 1);
      return true;
    }
    const member = state.group.next(canTake);
    if (member === undefined) return false;
    message.topic = this.#topics.intern(record.buffer, record.topicStart, record.topicEnd);
    message.shard = shard;
    message.offset = offset;
    const qos = Math.min(message.qos, member.qos);
    this.#late.send(message, member, qos, message.retain && member.retainAsPublished, state.group.number);
    return true;
  }
}

function hasTaker(group: SharedGroup<Session>): boolean {
  return group.members.some(({ session }) => canTake(session));
}

function placeOf(shard: number, offset: number): string {
  return `${shard}:${offset}`;
}

function isPresent(session: Session): boolean {
  return session.receiver !== undefined && !session.receiver.saturated;
}

/** What a session that ends with its connection, and so with the broker, holds for the group: after a crash it is the group's. */
function passingHeld(session: Session, group: number): ShardPosition[] {
  const held: ShardPosition[] = [];
  if (session.persistent) return held;
  session.window.inOrder((window) => {
    // A QoS 2 message that was on its way goes to nobody else [MQTT-4.8.2-5].
    if (window.group === group && window.qos === 1) held.push([window.shard, window.offset]);
  });
  return held;
}
