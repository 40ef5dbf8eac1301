import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import type { Journal, JournalEntry, ReadResult } from '../../journal/journal.ts';
import { RecordKind, RecordView } from '../../journal/record-batch.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { Turn, TurnTask } from '../connection/turn.ts';
import type { Router } from '../router/router.ts';
import type { Match, Subscription } from '../router/subscription.ts';
import { numberOfOwn } from '../router/subscription-number.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { canTake, LIVE, publisherOf, type Session } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import type { LateDelivery } from './late-delivery.ts';
import { Message } from './message.ts';
import type { ShardProgress } from './progress.ts';
import { readRecord } from './record-message.ts';
import type { Redelivery } from './redelivery.ts';

/** One read brings at most this much, whatever the window allows: it bounds what a session that lags holds in memory. */
const READ_RECORDS = 512;
const READ_BYTES = 256 * 1024;
/** Retained messages sent in a row before others have their turn. */
const RETAINED_STEPS = 256;

const DROPPED_RETENTION = counterId(METRICS.messagesDroppedTotal, 'retention');

/**
 * Brings sessions that are not live forward: first what is to be sent again, then retained messages owed to new
 * subscriptions, then the journal from the session's position on. A session becomes live in the same turn in which its
 * position reaches what has been dispatched, so that nothing lies between the two ways and nothing comes by both.
 */
export class CatchUp implements TurnTask {
  readonly #journal: Journal;
  readonly #router: Router<Session>;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #late: LateDelivery;
  readonly #dropped: DroppedMessages;
  readonly #redelivery: Redelivery;
  readonly #turn: Turn;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #shards: readonly ShardProgress[];
  readonly #onResent: (session: Session) => void;
  readonly #onFailure: (cause: unknown, session: Session) => void;
  readonly #pumping = new Map<Session, Promise<void>>();
  /** Sessions that can take more since this turn. */
  readonly #eased = new Set<Session>();
  readonly #message = new Message();
  readonly #record = new RecordView();

  constructor(parts: {
    journal: Journal;
    router: Router<Session>;
    topics: TopicTable<Session, undefined>;
    late: LateDelivery;
    dropped: DroppedMessages;
    redelivery: Redelivery;
    turn: Turn;
    metrics: Metrics;
    clock: Clock;
    shards: readonly ShardProgress[];
    /** All that was owed from before has been sent again: its shared groups may go on with the session. */
    onResent: (session: Session) => void;
    onFailure: (cause: unknown, session: Session) => void;
  }) {
    this.#journal = parts.journal;
    this.#router = parts.router;
    this.#topics = parts.topics;
    this.#late = parts.late;
    this.#dropped = parts.dropped;
    this.#redelivery = parts.redelivery;
    this.#turn = parts.turn;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#shards = parts.shards;
    this.#onResent = parts.onResent;
    this.#onFailure = parts.onFailure;
  }

  /** Goes on with the session as far as its client can take. */
  wake(session: Session): void {
    if (this.#pumping.has(session) || !this.#canGoOn(session)) return;
    const pump = this.#pump(session).then(
      () => {
        this.#pumping.delete(session);
        // Somebody may have called while the pump was about to end.
        this.wake(session);
      },
      (error: unknown) => {
        this.#pumping.delete(session);
        this.#onFailure(error, session);
      },
    );
    this.#pumping.set(session, pump);
  }

  /** The client acknowledged, or its socket drained. All that a turn acknowledges makes room for one read. */
  roomMade(session: Session): void {
    if (this.#eased.has(session) || !this.#canGoOn(session)) return;
    if (this.#eased.size === 0) this.#turn.add(this);
    this.#eased.add(session);
  }

  endTurn(): void {
    for (const session of this.#eased) this.wake(session);
    this.#eased.clear();
  }

  /** Resolves when no session is being read for. */
  async idle(): Promise<void> {
    this.endTurn();
    while (this.#pumping.size > 0) await Promise.all(this.#pumping.values());
  }

  #canGoOn(session: Session): boolean {
    const { receiver } = session;
    if (receiver === undefined || receiver.saturated) return false;
    return session.redeliver.length > 0 ? mayResend(session) : session.window.hasRoom && this.#lags(session);
  }

  #lags(session: Session): boolean {
    if (session.owedRetained.length > 0) return true;
    for (let index = 0; index < this.#shards.length; index += 1)
      if (session.positions[this.#shards[index]!.shard.number] !== LIVE) return true;
    return false;
  }

  async #pump(session: Session): Promise<void> {
    const { receiver } = session;
    const goesOn = (): boolean => receiver !== undefined && session.receiver === receiver && !receiver.saturated;
    if (session.redeliver.length > 0) {
      while (goesOn() && session.redeliver.length > 0 && mayResend(session)) await this.#redelivery.sendNext(session);
      if (goesOn() && session.redeliver.length === 0) this.#onResent(session);
    }
    if (!(await this.#sendRetained(session, goesOn))) return;
    for (const progress of this.#shards)
      while (goesOn() && session.window.hasRoom && session.positions[progress.shard.number] !== LIVE)
        await this.#readOn(session, progress);
  }

  /** All retained messages owed, of which there may be any number, in turns that let others go on. False: no room. */
  async #sendRetained(session: Session, goesOn: () => boolean): Promise<boolean> {
    for (let steps = 1; goesOn() && session.owedRetained.length > 0; steps += 1) {
      const step = this.#late.sendRetained(session);
      if (step === 'no_room') return false;
      if (step === 'searching' || steps % RETAINED_STEPS === 0) await nextTurn();
    }
    return true;
  }

  /** One read, and what the session can take of it. */
  async #readOn(session: Session, progress: ShardProgress): Promise<void> {
    const { number, name } = progress.shard;
    const { receiver } = session;
    const from = session.positions[number]!;
    const before = progress.dispatchedEnd;
    const asked = this.#subscriptionsOf(session);
    const isRead = asked.length > 0 && from < before;
    const startedAt = isRead ? this.#clock.now() : 0;
    const result = isRead
      ? await this.#journal.read(name, {
          from,
          filters: asked.map(({ filter }) => filter),
          maxRecords: Math.min(READ_RECORDS, session.window.limit - session.window.count),
          maxBytes: READ_BYTES,
        })
      : { entries: [], next: before, lost: 0 };
    // Another connection, or a new beginning of the session, while the read was under way.
    if (session.receiver !== receiver || session.positions[number] !== from) return;
    if (result.lost > 0) this.#metrics.add(DROPPED_RETENTION, result.lost);
    session.dirty = true;
    // What was subscribed to while the read was under way was not asked for, and begins where the log ended before it.
    const end = isSame(asked, this.#subscriptionsOf(session)) ? progress.dispatchedEnd : before;
    this.#take(session, progress, result, end);
    if (isRead) recordStage(this.#metrics, STAGES.catchUp, this.#clock.now() - startedAt);
  }

  /** Delivers what was read below `end`, as far as the session can take it, and moves it on. */
  #take(
    session: Session,
    progress: ShardProgress,
    { entries, next }: Pick<ReadResult, 'entries' | 'next'>,
    end: number,
  ): void {
    const { number } = progress.shard;
    for (const entry of entries) {
      if (entry.offset >= end) break;
      if (!canTake(session) || !this.#deliver(session, entry, number)) {
        session.positions[number] = entry.offset;
        return;
      }
    }
    // What is committed and not yet dispatched comes live.
    const reached = Math.min(next, end);
    session.positions[number] = reached === progress.dispatchedEnd ? LIVE : reached;
  }

  /** Those through which the session itself gets messages; shared ones are their groups'. */
  #subscriptionsOf(session: Session): Subscription<Session>[] {
    return [...this.#router.subscriptionsOf(session)].filter(({ filter }) => !filter.startsWith('$share/'));
  }

  /** False: there was no room for all copies of the message. The first has room. */
  #deliver(session: Session, entry: JournalEntry, shard: number): boolean {
    const record = this.#record.at(entry.buffer, entry.position);
    if (record.kind !== RecordKind.message) return true;
    const { offset } = entry;
    const topic = this.#topics.intern(record.buffer, record.topicStart, record.topicEnd);
    const matches = this.#matchesOf(session, topic.name, record, shard, offset);
    if (matches.length === 0) return true;
    const message = this.#message;
    const isAlive = readRecord(record, message, this.#clock.now());
    message.topic = topic;
    if (!isAlive) {
      if (matches.some((match) => isOwed(session, match, message.qos, shard, offset)))
        this.#dropped.late(message, 'expired', session);
      return true;
    }
    message.shard = shard;
    message.offset = offset;
    for (const [index, match] of matches.entries()) {
      if (!isOwed(session, match, message.qos, shard, offset)) continue;
      if (index > 0 && !canTake(session)) {
        const sent = matches.slice(0, index).map(({ number }) => number);
        session.noteCopies(shard, offset, sent);
        return false;
      }
      const qos = Math.min(message.qos, match.qos);
      this.#late.send(message, match, qos, message.retain && match.retainAsPublished, match.number);
    }
    return true;
  }

  /** How the session's subscriptions want the record, but for those that have had their copy. */
  #matchesOf(session: Session, topic: string, record: RecordView, shard: number, offset: number): Match<Session>[] {
    const sent = session.copiesSent(shard, offset);
    const matching = this.#router
      .subscriptionsCovering(session, topic)
      .filter(
        ({ since, filter }) =>
          offset >= (since.find(([number]) => number === shard)?.[1] ?? 0) &&
          (sent.length === 0 || !sent.includes(numberOfOwn(filter))),
      );
    const isOwnMessage = publisherOf(record) === session.number;
    return this.#router.matchesOf(matching).flatMap((match) => (isOwnMessage ? (match.toSelf ?? []) : match));
  }
}

/** What goes at QoS 0 is owed only to a client that was there. */
function isOwed(session: Session, match: Match<Session>, qos: number, shard: number, offset: number): boolean {
  return Math.min(qos, match.qos) > 0 || offset >= (session.presentSince[shard] ?? 0);
}

/** What is sent again counts like what is new: the client may have come back with a smaller receive maximum [MQTT-3.3.4-9]. */
function mayResend({ window, redeliver }: Session): boolean {
  return window.count - redeliver.length < window.limit;
}

function isSame<Item>(left: readonly Item[], right: readonly Item[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
