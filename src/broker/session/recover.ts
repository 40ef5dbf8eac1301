import { isOfGroup, isOfOwn } from '../router/subscription-number.ts';
import type { InboundEntry } from './inbound-exactly-once.ts';
import { GroupRecovery } from './recover-groups.ts';
import { placeOf } from './session.ts';
import type { SessionEventVisitor } from './session-event.ts';
import type { SessionRecord, StoredCopies, StoredInflight } from './session-record.ts';

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
    if (isOfGroup(group)) this.groups.sent(session, packetId, qos, shard, offset, group);
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
  /** By shard. */
  readonly #copies: Map<number, StoredCopies>;
  /** The last message that came under a packet identifier, by shard and identifier. */
  readonly #inbound = new Map<string, InboundEntry>();
  /** By place in the log: released before their record was seen, or after, they are not to come (back). */
  readonly #released = new Set<string>();
  #nextPacketId: number;

  constructor(checkpoint: SessionRecord) {
    this.#checkpoint = checkpoint;
    for (const entry of checkpoint.inflight) this.#inflight.set(entry.packetId, entry);
    for (const entry of checkpoint.inbound) this.#inbound.set(senderNameOf(entry), entry);
    this.#positions = new Map(checkpoint.positions);
    this.#copies = new Map(checkpoint.copies?.map((copies) => [copies.shard, copies]));
    this.#nextPacketId = checkpoint.nextPacketId;
  }

  sent(entry: StoredInflight): void {
    const known = this.#inflight.get(entry.packetId);
    // One that the checkpoint contains keeps its place before those that were sent later and are in it too.
    if (known?.shard !== entry.shard || known.offset !== entry.offset) this.#putLast(entry);
    this.#nextPacketId = entry.packetId === 0xffff ? 1 : entry.packetId + 1;
    if (isOfOwn(entry.group)) this.#sentCopy(entry);
    // What came by a shared group says nothing of how far the session itself has got in the shard.
    else if (entry.group === 0) this.#reached(entry.shard, entry.offset + 1);
  }

  #reached(shard: number, offset: number): void {
    this.#positions.set(shard, Math.max(this.#positions.get(shard) ?? 0, offset));
  }

  /** Whether other subscriptions had theirs too, only their own events say: the session is still at that message. */
  #sentCopy({ shard, offset, group }: StoredInflight): void {
    this.#reached(shard, offset);
    if (this.#positions.get(shard) !== offset) return;
    const before = this.#copies.get(shard);
    const numbers = before?.offset === offset ? before.numbers : [];
    this.#copies.set(shard, { shard, offset, numbers: numbers.includes(group) ? numbers : [...numbers, group] });
  }

  acknowledged(packetId: number): void {
    this.#inflight.delete(packetId);
  }

  received(packetId: number): void {
    const entry = this.#inflight.get(packetId);
    if (entry?.state === 'sent') this.#putLast({ ...entry, state: 'received' });
  }

  released(entry: InboundEntry): void {
    this.#released.add(placeOf(entry.shard, entry.offset));
    const name = senderNameOf(entry);
    if (this.#inbound.get(name)?.offset === entry.offset) this.#inbound.delete(name);
  }

  message(entry: InboundEntry): void {
    const name = senderNameOf(entry);
    const earlier = this.#inbound.get(name);
    if (earlier !== undefined && earlier.offset > entry.offset) return;
    // A message with the same identifier was taken as new, so the one before it had been released.
    if (this.#released.has(placeOf(entry.shard, entry.offset))) this.#inbound.delete(name);
    else this.#inbound.set(name, entry);
  }

  record(): SessionRecord {
    const { copies: _, ...checkpoint } = this.#checkpoint;
    const copies = [...this.#copies.values()].filter(({ shard, offset }) => this.#positions.get(shard) === offset);
    return {
      ...checkpoint,
      positions: [...this.#positions].sort(([left], [right]) => left - right),
      ...(copies.length === 0 ? {} : { copies }),
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

/** What its publisher calls it; later messages are called the same. */
function senderNameOf({ shard, packetId }: InboundEntry): string {
  return `${shard}:${packetId}`;
}
