import type { ShardProgress } from '../delivery/progress.ts';
import type { SharedDelivery } from '../delivery/shared-delivery.ts';
import type { SessionLifecycle } from '../handlers/session-lifecycle.ts';
import type { Router } from '../router/router.ts';
import type { SharedGroup } from '../router/shared-group.ts';
import { InboundExactlyOnce } from '../session/inbound-exactly-once.ts';
import { InflightState, InflightWindow } from '../session/inflight-window.ts';
import type { GroupRecovery } from '../session/recover-groups.ts';
import { Session } from '../session/session.ts';
import type { SessionRecord } from '../session/session-record.ts';
import { willAtConnectionEnd } from '../session/will.ts';
import type { RecoveredState } from './recovery.ts';
import type { SessionStore } from './session-store.ts';

/** A shard whose messages may be gone after a restart. */
export interface RestoredShard extends ShardProgress {
  readonly shard: ShardProgress['shard'] & { readonly durable: boolean };
}

export interface RestoreTarget {
  readonly router: Router<Session>;
  readonly lifecycle: SessionLifecycle;
  readonly shared: SharedDelivery;
  readonly store: SessionStore;
  readonly shards: readonly RestoredShard[];
  readonly limits: { readonly maximumInflight: number };
  readonly now: number;
}

/** Puts recovered sessions back to work: their clients are away, and those that were connected were cut off. */
export function restoreSessions({ sessions, marker, groups }: RecoveredState, target: RestoreTarget): void {
  for (const record of sessions) restoreSession(record, target);
  const known = new Map(marker.groups.map((group) => [group.filter, group]));
  const living = new Set(sessions.map(({ number }) => number));
  for (const group of groupsOf(target)) {
    const progress = known.get(group.filter);
    const returned = groups.returnedOf(group.number, progress?.returned ?? [], (session) => living.has(session));
    target.shared.restore(group, {
      filter: group.filter,
      number: group.number,
      positions: target.shards.map((shard) => [
        shard.shard.number,
        groupPosition(group, shard, progress?.positions, groups),
      ]),
      returned: returned.filter(([shard]) => isDurable(target, shard)),
    });
  }
}

function restoreSession(record: SessionRecord, target: RestoreTarget): void {
  const { limits, now } = target;
  const session = new Session(
    record.clientId,
    record.number,
    record.expirySeconds,
    new InflightWindow(limits.maximumInflight),
    new InboundExactlyOnce(),
    record.mountPoint,
  );
  session.protocolVersion = record.protocolVersion;
  session.userName = record.username;
  session.attendance = { type: 'disconnected', at: record.state.type === 'disconnected' ? record.state.at : now };
  restorePositions(session, record, target);
  for (const { shard, offset, numbers } of record.copies ?? [])
    if (isDurable(target, shard)) session.noteCopies(shard, offset, numbers);
  session.savedPositions.push(...session.positions);
  for (const { packetId, qos, state, shard, offset, group } of record.inflight) {
    // What was in memory is gone; of a message the client already has, the rest of the exchange is still owed.
    if (!isDurable(target, shard) && state === 'sent') continue;
    session.window.restore(
      packetId,
      qos,
      state === 'received' ? InflightState.received : InflightState.sent,
      shard,
      offset,
      group,
    );
  }
  session.window.nextPacketId = record.nextPacketId;
  for (const entry of record.inbound) session.inbound.restore(entry);
  for (const { filter, qos, noLocal, retainAsPublished, identifier, since } of record.subscriptions)
    target.router.subscribe(session, filter, {
      qos,
      noLocal,
      retainAsPublished,
      identifier,
      since: since.filter(([shard]) => isDurable(target, shard)),
    });
  target.store.adopt(record.clientId);
  session.dirty = true;
  restoreWill(session, record, now);
  target.lifecycle.restore(session);
}

function restorePositions(session: Session, record: SessionRecord, { shards }: RestoreTarget): void {
  const positions = new Map(record.positions);
  for (const { shard, dispatchedEnd } of shards)
    session.positions[shard.number] = shard.durable
      ? Math.min(positions.get(shard.number) ?? dispatchedEnd, dispatchedEnd)
      : dispatchedEnd;
}

/** The end of the broker was the end of the connection, without a DISCONNECT. */
function restoreWill(session: Session, record: SessionRecord, now: number): void {
  session.will = record.will;
  session.willDueAt = record.willDueAt;
  if (record.will === undefined || record.willDueAt !== undefined) return;
  const decision = willAtConnectionEnd({ type: 'lost' }, record.will.delaySeconds, record.expirySeconds, now);
  session.willDueAt = decision.type === 'delay' ? decision.dueAt : now;
}

function groupsOf({ router, lifecycle }: RestoreTarget): Set<SharedGroup<Session>> {
  const groups = new Set<SharedGroup<Session>>();
  for (const session of lifecycle.sessions.values())
    for (const { filter } of router.subscriptionsOf(session)) {
      const group = router.groupOf(filter);
      if (group !== undefined) groups.add(group);
    }
  return groups;
}

/** Where a checkpoint left the group (for one made since, where its first member subscribed), and what was sent since. */
function groupPosition(
  group: SharedGroup<Session>,
  { shard, dispatchedEnd }: RestoredShard,
  positions: readonly (readonly [number, number])[] | undefined,
  groups: GroupRecovery,
): number {
  if (!shard.durable) return dispatchedEnd;
  const since = group.members.flatMap(({ since }) => since.filter(([number]) => number === shard.number));
  const checkpointed =
    positions?.find(([number]) => number === shard.number)?.[1] ??
    since.reduce((lowest, [, offset]) => Math.min(lowest, offset), dispatchedEnd);
  return Math.min(groups.positionOf(group.number, shard.number, checkpointed), dispatchedEnd);
}

function isDurable({ shards }: RestoreTarget, number: number): boolean {
  return shards.some(({ shard }) => shard.number === number && shard.durable);
}
