import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { Router } from '../router/router.ts';
import type { ShardPosition } from '../router/subscription.ts';
import { InflightState } from '../session/inflight-window.ts';
import { LIVE, type Session } from '../session/session.ts';
import {
  encodeSessionRecord,
  type SessionRecord,
  type StoredCopies,
  type StoredInflight,
} from '../session/session-record.ts';

/** Sessions as placement keeps them. */
export class SessionStore {
  readonly #placement: Placement;
  readonly #router: Router<Session>;
  readonly #shards: readonly ShardProgress[];
  /** Sessions that placement knows of: only those need deleting. */
  readonly #stored = new Set<string>();
  /** Client identifiers whose record must stay as it is until something else is durable. */
  readonly #holds = new Map<string, Promise<void>>();
  /** Savings that have not looked at their session yet. */
  readonly #saves = new Map<Session, Promise<void>>();
  /** Deletions on their way. */
  readonly #removals = new Map<string, Promise<void>>();

  constructor(placement: Placement, router: Router<Session>, shards: readonly ShardProgress[]) {
    this.#placement = placement;
    this.#router = router;
    this.#shards = shards;
  }

  /** Leaves what is stored for the client as it is until the promise has settled, however it does. */
  hold(clientId: string, until: Promise<void>): void {
    const hold: Promise<void> = Promise.allSettled([this.#holds.get(clientId), until]).then(() => {
      if (this.#holds.get(clientId) === hold) this.#holds.delete(clientId);
    });
    this.#holds.set(clientId, hold);
  }

  /** What has to settle before any of these clients' records may be changed; undefined for nothing. */
  held(sessions: Iterable<Session>): Promise<unknown> | undefined {
    if (this.#holds.size === 0) return undefined;
    const holds = [...sessions].flatMap(({ clientId }) => this.#holds.get(clientId) ?? []);
    return holds.length === 0 ? undefined : Promise.all(holds);
  }

  /** Settles when whatever was to be removed before this call has been, or could not be. */
  async idle(): Promise<void> {
    await Promise.all(this.#holds.values());
    await Promise.allSettled(this.#removals.values());
  }

  /**
   * Durable when it settles. A session that has ended meanwhile is not stored. All that a turn asks for is one writing: a
   * client may send thousands of SUBSCRIBE at once.
   */
  save(session: Session, context?: Uint8Array): Promise<void> {
    let save = this.#saves.get(session);
    if (save === undefined) {
      save = this.#save(session, context);
      this.#saves.set(session, save);
    }
    return save;
  }

  async #save(session: Session, context?: Uint8Array): Promise<void> {
    do await this.held([session]);
    while (this.held([session]) !== undefined);
    this.#saves.delete(session);
    if (session.attendance.type !== 'ended') await this.saveAll([session], context);
  }

  /** None of them may be held. */
  async saveAll(sessions: readonly Session[], context?: Uint8Array): Promise<void> {
    const records = sessions.map((session) => this.#record(session));
    const writes = records.map((record) => sessionRecords.putting(record.clientId, encodeSessionRecord(record)));
    for (const session of sessions) {
      this.#stored.add(session.clientId);
      session.dirty = false;
    }
    try {
      await this.#placement.write(writes, context);
    } catch (error) {
      for (const session of sessions) session.dirty = true;
      throw error;
    }
    for (const [index, { positions }] of records.entries())
      for (const [shard, offset] of positions) sessions[index]!.savedPositions[shard] = offset;
  }

  /**
   * Deletes what is stored for the client, of this session or of one before it, once `after` has settled well. Settles
   * when no crash can bring it back.
   */
  remove({ clientId }: Session, after?: Promise<void>): Promise<void> {
    const before = this.#holds.get(clientId);
    if (before === undefined && after === undefined) return this.#delete(clientId);
    const cleared = Promise.all([before, after]).then(() => undefined);
    const removed = cleared.then(() => this.#delete(clientId));
    this.hold(clientId, cleared);
    return removed;
  }

  #delete(clientId: string): Promise<void> {
    if (!this.#stored.delete(clientId)) return this.#removals.get(clientId) ?? Promise.resolve();
    const removal = this.#placement
      .write([sessionRecords.deleting(clientId)])
      .then(
        () => undefined,
        (error: unknown) => {
          // The next attempt finds it again.
          this.#stored.add(clientId);
          throw error;
        },
      )
      .finally(() => {
        if (this.#removals.get(clientId) === removal) this.#removals.delete(clientId);
      });
    this.#removals.set(clientId, removal);
    return removal;
  }

  isStored({ clientId }: Session): boolean {
    return this.#stored.has(clientId);
  }

  /** A session that was read from placement. */
  adopt(clientId: string): void {
    this.#stored.add(clientId);
  }

  /** Those withheld as well: whether they are allowed is asked anew when the client connects. */
  #subscriptionsOf(session: Session): SessionRecord['subscriptions'] {
    const present = [...this.#router.subscriptionsOf(session)].map(
      ({ filter, qos, noLocal, retainAsPublished, identifiers, since }) => ({
        filter,
        qos: qos as 0 | 1 | 2,
        noLocal,
        retainAsPublished,
        identifier: identifiers[0] ?? 0,
        since,
      }),
    );
    const withheld = [...session.withheld].map(([filter, options]) => ({
      filter,
      ...options,
      qos: options.qos as 0 | 1 | 2,
    }));
    return [...present, ...withheld];
  }

  #copiesOf({ sentCopies, positions }: Session): StoredCopies[] {
    const copies: StoredCopies[] = [];
    for (const [shard, { offset, numbers }] of sentCopies)
      if (positions[shard] === offset) copies.push({ shard, offset, numbers });
    return copies;
  }

  #record(session: Session): SessionRecord {
    const { attendance, will, willDueAt, userName, mountPoint } = session;
    const copies = this.#copiesOf(session);
    const inflight: StoredInflight[] = [];
    session.window.inOrder(({ packetId, qos, state, shard, offset, group }) =>
      inflight.push({
        packetId,
        qos: qos as 1 | 2,
        state: state === InflightState.received ? 'received' : 'sent',
        shard,
        offset,
        group,
      }),
    );
    return {
      version: 1,
      clientId: session.clientId,
      number: session.number,
      ...(userName === undefined ? {} : { username: userName }),
      ...(mountPoint === '' ? {} : { mountPoint }),
      protocolVersion: session.protocolVersion,
      expirySeconds: session.expirySeconds,
      state: attendance.type === 'disconnected' ? attendance : { type: 'connected' },
      subscriptions: this.#subscriptionsOf(session),
      positions: this.#shards.map(({ shard, dispatchedEnd }): ShardPosition => {
        const position = session.positions[shard.number] ?? LIVE;
        return [shard.number, position === LIVE ? dispatchedEnd : position];
      }),
      ...(copies.length === 0 ? {} : { copies }),
      inflight,
      inbound: session.inbound.entries(),
      nextPacketId: session.window.nextPacketId,
      ...(will === undefined ? {} : { will }),
      ...(willDueAt === undefined ? {} : { willDueAt }),
    };
  }
}
