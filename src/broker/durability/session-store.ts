import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { Router } from '../router/router.ts';
import type { ShardPosition } from '../router/subscription.ts';
import { InflightState } from '../session/inflight-window.ts';
import { LIVE, type Session } from '../session/session.ts';
import { encodeSessionRecord, type SessionRecord, type StoredInflight } from '../session/session-record.ts';

/** Sessions as placement keeps them. */
export class SessionStore {
  readonly #placement: Placement;
  readonly #router: Router<Session>;
  readonly #shards: readonly ShardProgress[];
  /** Sessions that placement knows of: only those need deleting. */
  readonly #stored = new Set<string>();

  constructor(placement: Placement, router: Router<Session>, shards: readonly ShardProgress[]) {
    this.#placement = placement;
    this.#router = router;
    this.#shards = shards;
  }

  /** Durable when it settles. */
  save(session: Session, context?: Uint8Array): Promise<void> {
    return this.saveAll([session], context);
  }

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

  async remove(session: Session): Promise<void> {
    if (!this.#stored.delete(session.clientId)) return;
    await this.#placement.write([sessionRecords.deleting(session.clientId)]);
  }

  /** A session that was read from placement. */
  adopt(clientId: string): void {
    this.#stored.add(clientId);
  }

  #record(session: Session): SessionRecord {
    const { attendance, will, willDueAt, userName } = session;
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
      protocolVersion: session.protocolVersion,
      expirySeconds: session.expirySeconds,
      state: attendance.type === 'connected' ? { type: 'connected' } : { type: 'disconnected', at: attendance.at },
      subscriptions: [...this.#router.subscriptionsOf(session)].map((subscription) => ({
        filter: subscription.filter,
        qos: subscription.qos as 0 | 1 | 2,
        noLocal: subscription.noLocal,
        retainAsPublished: subscription.retainAsPublished,
        identifier: subscription.identifiers[0] ?? 0,
        since: subscription.since,
      })),
      positions: this.#shards.map(({ shard, dispatchedEnd }): ShardPosition => {
        const position = session.positions[shard.number] ?? LIVE;
        return [shard.number, position === LIVE ? dispatchedEnd : position];
      }),
      inflight,
      inbound: session.inbound.entries(),
      nextPacketId: session.window.nextPacketId,
      ...(will === undefined ? {} : { will }),
      ...(willDueAt === undefined ? {} : { willDueAt }),
    };
  }
}
