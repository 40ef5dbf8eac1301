import type { InboundEntry } from './inbound-exactly-once.ts';
import { FROM_RETAINED } from './inflight-window.ts';
import { GroupRecovery } from './recover-groups.ts';
import type { SessionEventVisitor } from './session-event.ts';
import type { SessionRecord, StoredInflight } from './session-record.ts';

/**
 * Brings checkpointed sessions up to the end of the logs. Replay begins at one moment not later than any of the
 * checkpoints (the position in the session log taken before those in the shards), so that events already contained in a
 * checkpoint come again. That is harmless, because each event says what holds after it, and not what changes:
 *
 * - session events are replayed in their order;
 * - records of QoS 2 messages may come before, between or after them: a message is unreleased if no event names it;
 * - a session unknown here has ended, and whatever concerns it alone is skipped.
 */
export class SessionRecovery implements SessionEventVisitor {
  readonly groups = new GroupRecovery();
  readonly #sessions = new Map<number, RecoveringSession>();

  constructor(checkpoints: Iterable<SessionRecord>) {
    for (const checkpoint of checkpoints) this.#sessions.set(checkpoint.number, new RecoveringSession(checkpoint));
  }

  sent(session: number, packetId: number, qos: number, shard: number, offset: number, group: number): void {
    if (group !== 0 && group !== FROM_RETAINED) this.groups.sent(session, packetId, qos, shard, offset, group);
    this.#sessions.get(session)?.sent({ packetId, qos: qos === 2 ? 2 : 1, state: 'sent', shard, offset, group });
  }

  acknowledged(session: number, packetId: number): void {
    this.groups.acknowledged(session, packetId);
    this.#sessions.get(session)?.acknowledged(packetId);
  }

  received(session: number, packetId: number): void {
    this.#sessions.get(session)?.received(packetId);
  }

  released(session: number, packetId: number, shard: number, offset: number): void {
    this.#sessions.get(session)?.released({ packetId, shard, offset });
  }

  ended(session: number): void {
    this.#sessions.delete(session);
  }

  /** A QoS 2 message in the log, by the session that published it. */
  message(publisher: number, packetId: number, shard: number, offset: number): void {
    this.#sessions.get(publisher)?.message({ packetId, shard, offset });
  }

  /** The sessions that live, as they are now. */
  *records(): Generator<SessionRecord, void, undefined> {
    for (const session of this.#sessions.values()) yield session.record();
  }
}

class RecoveringSession {
  readonly #checkpoint: SessionRecord;
  /** By packet identifier, in order of sending: an entry made anew stands at the end. */
  readonly #inflight = new Map<number, StoredInflight>();
  readonly #positions: Map<number, number>;
  readonly #inbound = new Map<string, InboundEntry>();
  /** Released before their record was seen, or after: those are not to come (back). */
  readonly #released = new Set<string>();
  #nextPacketId: number;

  constructor(checkpoint: SessionRecord) {
    this.#checkpoint = checkpoint;
    for (const entry of checkpoint.inflight) this.#inflight.set(entry.packetId, entry);
    for (const entry of checkpoint.inbound) this.#inbound.set(nameOf(entry), entry);
    this.#positions = new Map(checkpoint.positions);
    this.#nextPacketId = checkpoint.nextPacketId;
  }

  sent(entry: StoredInflight): void {
    const known = this.#inflight.get(entry.packetId);
    // One that the checkpoint contains keeps its place before those that were sent later and are in it too.
    if (known?.shard !== entry.shard || known.offset !== entry.offset) this.#putLast(entry);
    this.#nextPacketId = entry.packetId === 0xffff ? 1 : entry.packetId + 1;
    // What came by a shared group says nothing of how far the session itself has got in the shard.
    if (entry.group !== 0) return;
    this.#positions.set(entry.shard, Math.max(this.#positions.get(entry.shard) ?? 0, entry.offset + 1));
  }

  acknowledged(packetId: number): void {
    this.#inflight.delete(packetId);
  }

  received(packetId: number): void {
    const entry = this.#inflight.get(packetId);
    if (entry?.state === 'sent') this.#putLast({ ...entry, state: 'received' });
  }

  released(entry: InboundEntry): void {
    const name = nameOf(entry);
    this.#released.add(name);
    this.#inbound.delete(name);
  }

  message(entry: InboundEntry): void {
    // A message with the same identifier was taken as new, so the one before it had been released.
    for (const [name, earlier] of this.#inbound)
      if (earlier.packetId === entry.packetId && earlier.shard === entry.shard && earlier.offset < entry.offset)
        this.#inbound.delete(name);
    const name = nameOf(entry);
    if (!this.#released.has(name)) this.#inbound.set(name, entry);
  }

  record(): SessionRecord {
    return {
      ...this.#checkpoint,
      positions: [...this.#positions].sort(([left], [right]) => left - right),
      inflight: [...this.#inflight.values()],
      inbound: [...this.#inbound.values()].sort((left, right) => left.packetId - right.packetId),
      nextPacketId: this.#nextPacketId,
    };
  }

  #putLast(entry: StoredInflight): void {
    this.#inflight.delete(entry.packetId);
    this.#inflight.set(entry.packetId, entry);
  }
}

/** A message is its place in the log. Its packet identifier is used again by later ones. */
function nameOf({ shard, offset }: InboundEntry): string {
  return `${shard}:${offset}`;
}
