import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { messageContext } from '../../telemetry/records/message-recorder.ts';
import { PUSH_FLAG } from '../../telemetry/records/push-record.ts';
import { decisionOf, type PushHandle } from '../../telemetry/records/push-recorder.ts';
import { PUSH_SPANS } from '../../telemetry/records/run-recorder.ts';
import { FLAGS_AT, SAMPLED_FLAG } from '../../telemetry/trace-context.ts';
import type { SessionLog } from '../durability/session-log.ts';
import type { MatchSet } from '../router/match-set.ts';
import type { SharedGroup } from '../router/shared-group.ts';
import type { Match } from '../router/subscription.ts';
import type { Receiver } from '../session/receiver.ts';
import { canTake, isNoted, LIVE, type Session } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import type { Message } from './message.ts';
import type { PublishEncoder } from './publish-encoder.ts';

const NOT_RECORDED: PushHandle = 0;

const DELIVERED = [
  counterId(METRICS.messagesDeliveredTotal, '0'),
  counterId(METRICS.messagesDeliveredTotal, '1'),
  counterId(METRICS.messagesDeliveredTotal, '2'),
];
const PAYLOAD_BYTES = counterId(METRICS.payloadBytesSentTotal);
const DROPPED_QUEUE_FULL = counterId(METRICS.messagesDroppedTotal, 'queue_full');
const DROPPED_TOO_LARGE = counterId(METRICS.messagesDroppedTotal, 'too_large');

const DOLLAR_SIGN = 0x24;

export type PushOutcome = 'pushed' | 'dropped';

/** Picks the member of a shared group that gets a message. */
export interface GroupDelivery {
  offer(group: SharedGroup<Session>, message: Message): void;
  /** Whether the group is offered what is dispatched of the shard. */
  isLive(group: SharedGroup<Session>, shard: number): boolean;
}

/** Sends a message that is in memory to those who are there and can take it; who cannot is left to the journal. */
export class Pusher {
  readonly #encoder: PublishEncoder;
  readonly #recording: Recording;
  readonly #metrics: Metrics;
  readonly #sessionLog: SessionLog;
  readonly #dropped: DroppedMessages;
  readonly #shared: () => GroupDelivery;
  readonly #onBehind: (session: Session) => void;
  readonly #pushContext = messageContext();
  /** What stands for the rest of a large fan-out. */
  #rest: PushHandle = NOT_RECORDED;
  #pushCount = 0;

  constructor(parts: {
    encoder: PublishEncoder;
    recording: Recording;
    metrics: Metrics;
    sessionLog: SessionLog;
    dropped: DroppedMessages;
    shared: () => GroupDelivery;
    /** A session that was live could not take a message: it reads on from the journal. */
    onBehind: (session: Session) => void;
  }) {
    this.#encoder = parts.encoder;
    this.#recording = parts.recording;
    this.#metrics = parts.metrics;
    this.#sessionLog = parts.sessionLog;
    this.#dropped = parts.dropped;
    this.#shared = parts.shared;
    this.#onBehind = parts.onBehind;
  }

  /**
   * Offers the message to everybody it matches. After a run those have it already who took the run's bytes, all but
   * `missed`, for whom there was no room.
   */
  pushToAll(message: Message, matches: MatchSet<Session>, missed?: ReadonlySet<Receiver>): void {
    this.begin();
    const { members, groups } = matches;
    for (let index = 0; index < members.length; index += 1) {
      const member = members[index]!;
      if (missed !== undefined && takesVerbatim(member, message.publisher)) {
        if (message.isTraced) this.#recordCopy(message, member.session.receiver!, missed);
        continue;
      }
      const match = member.session.number === message.publisher ? member.toSelf : member;
      if (match !== undefined && !this.#offer(message, match)) this.#fallBehind(message, members, index);
    }
    for (let index = 0; index < groups.length; index += 1) this.#shared().offer(groups[index]!, message);
  }

  /** It expired before it could be offered. Who reads from the journal finds that out there. */
  expire(message: Message, { members, groups }: MatchSet<Session>): void {
    const { shard, publisher, qos } = message;
    const owed = members.filter((member) => {
      const match = member.session.number === publisher ? member.toSelf : member;
      if (match === undefined || match.session.positions[shard] !== LIVE) return false;
      return match.session.receiver !== undefined || Math.min(qos, match.qos) > 0;
    });
    const groupsOwed = groups.filter((group) => this.#shared().isLive(group, shard)).length;
    const count = owed.length + groupsOwed;
    if (count > 0) this.#dropped.dispatched(message, 'expired', count, count === 1 ? owed[0]?.session : undefined);
  }

  /** Forgets what was encoded for the message before; `push` may then be called for any number of sessions. */
  begin(): void {
    this.#encoder.begin();
    this.#pushCount = 0;
    this.#rest = NOT_RECORDED;
  }

  /** False: the session was live and cannot take it. */
  #offer(message: Message, match: Match<Session>): boolean {
    const { session } = match;
    const { shard } = message;
    const receiver = session.receiver;
    if (shard === -1) {
      if (receiver !== undefined) this.pushTraced(message, match, 0, receiver, match.number);
      return true;
    }
    if (session.positions[shard] !== LIVE) return true;
    const qos = Math.min(message.qos, match.qos);
    if (receiver === undefined || (qos > 0 && !canTake(session))) return false;
    this.pushTraced(message, match, qos, receiver, match.number);
    return true;
  }

  /** From now on the session reads from the journal, beginning with this message, or with the copies of it that are left. */
  #fallBehind({ shard, offset }: Message, members: readonly Match<Session>[], index: number): void {
    const { session } = members[index]!;
    session.positions[shard] = offset;
    const sent: number[] = [];
    for (let before = index - 1; before >= 0 && members[before]!.session === session; before -= 1)
      sent.push(members[before]!.number);
    session.noteCopies(shard, offset, sent);
    session.dirty = true;
    this.#onBehind(session);
  }

  /** Sends to a session that can take it, as a child of the message's span. `group`: see `push`. */
  pushTraced(message: Message, match: Match<Session>, qos: number, receiver: Receiver, group = 0): PushOutcome {
    const retain = message.retain && match.retainAsPublished;
    if (!message.isTraced) return this.push(message, match, qos, receiver, retain, group, NOT_RECORDED);
    const handle = this.#startPush(message, qos, receiver);
    const isRest = handle === this.#rest;
    const outcome = this.push(message, match, qos, receiver, retain, group, isRest ? NOT_RECORDED : handle);
    if (isRest) this.#recording.pushes.counted(handle, outcome === 'dropped');
    return outcome;
  }

  /**
   * Sends to a session that can take it. `group` is the number of the shared group on whose behalf it goes, or of the
   * match, or FROM_RETAINED; `handle` what is recorded of this push.
   */
  push(
    message: Message,
    match: Match<Session>,
    qos: number,
    receiver: Receiver,
    retain: boolean,
    group: number,
    handle: PushHandle,
  ): PushOutcome {
    const encoder = this.#encoder;
    const { pushes } = this.#recording;
    let context: Uint8Array | undefined;
    if (handle !== NOT_RECORDED && receiver.version === 5) {
      pushes.identity(handle, this.#pushContext.words);
      context = this.#pushContext.bytes;
      context[FLAGS_AT] = pushes.isHead(handle) ? SAMPLED_FLAG : 0;
    }
    encoder.encodeFor(receiver, hiddenBytes(match.session, message), message, qos, retain, match.identifiers, context);
    const size = encoder.end - encoder.start;
    // [MQTT-3.1.2-25]: as if it had been sent.
    if (size > receiver.maximumPacketSize) {
      this.#metrics.add(DROPPED_TOO_LARGE, 1);
      if (qos > 0) match.session.dirty = true;
      pushes.dropped(handle, PUSH_FLAG.droppedTooLarge);
      return 'dropped';
    }
    if (qos === 0) {
      if (!receiver.hasRoomFor(size)) {
        this.#metrics.add(DROPPED_QUEUE_FULL, 1);
        pushes.dropped(handle, PUSH_FLAG.droppedQueueFull);
        return 'dropped';
      }
      this.#write(receiver);
      this.#metrics.add(DELIVERED[0]!, 1);
      this.#metrics.add(PAYLOAD_BYTES, message.payloadEnd - message.payloadStart);
      return 'pushed';
    }
    this.#sendConfirmed(message, match.session, qos, receiver, group, handle);
    return 'pushed';
  }

  /** QoS 1 and 2: takes a place in the window, notes it in the session log, and only then sends. */
  #sendConfirmed(
    message: Message,
    session: Session,
    qos: number,
    receiver: Receiver,
    group: number,
    handle: PushHandle,
  ): void {
    const encoder = this.#encoder;
    const packetId = session.window.reserve(qos, message.shard, message.offset, message.dispatchedAt, group, handle);
    if (handle !== NOT_RECORDED) this.#recording.pushes.sent(handle, packetId);
    encoder.bytes.writeUInt16BE(packetId, encoder.start + encoder.packetIdAt);
    this.#metrics.add(DELIVERED[qos]!, 1);
    this.#metrics.add(PAYLOAD_BYTES, message.payloadEnd - message.payloadStart);
    if (isNoted(session, group)) {
      session.dirty = true;
      this.#sessionLog.sent(session, packetId, qos, message.shard, message.offset, group);
      // A QoS 2 message must be recognisable by its packet identifier even if the broker dies right behind the send.
      if (qos === 2) {
        this.#sessionLog.afterCommit(receiver, encoder.bytes.subarray(encoder.start, encoder.end));
        return;
      }
    }
    this.#write(receiver);
  }

  #write(receiver: Receiver): void {
    const { bytes, start, end } = this.#encoder;
    const at = receiver.reserve(end - start);
    receiver.output.set(bytes.subarray(start, end), at);
    if (receiver.aliasesToClient !== undefined) receiver.aliasesToClient.sent();
  }

  /** What a run brought, or did not. */
  #recordCopy(message: Message, receiver: Receiver, missed: ReadonlySet<Receiver>): void {
    const { pushes } = this.#recording;
    const handle = this.#startPush(message, 0, receiver);
    const isDropped = missed.has(receiver);
    if (handle === this.#rest) pushes.counted(handle, isDropped);
    else if (isDropped) pushes.dropped(handle, PUSH_FLAG.droppedQueueFull);
  }

  /** The rest of a fan-out beyond PUSH_SPANS is one push, which ends before any of them is confirmed. */
  #startPush(message: Message, qos: number, receiver: Receiver): PushHandle {
    const { pushes, clients } = this.#recording;
    this.#pushCount += 1;
    if (this.#rest !== NOT_RECORDED) return this.#rest;
    const isRest = this.#pushCount > PUSH_SPANS;
    const flags = decisionOf(message.context) | (isRest ? PUSH_FLAG.rest : 0);
    const client = isRest ? 0 : clients.of(receiver);
    const handle = pushes.begin(message.trace.words, flags, qos, client, 0, 0, message.dispatchedAt);
    if (isRest) this.#rest = handle;
    return handle;
  }
}

/**
 * Whether an MQTT 3.1.1 publisher's QoS 0 packet is right for the subscriber byte for byte: same version, nothing to add,
 * no mount point to take off, one copy for all its subscriptions (or runs of them would follow each other out of order),
 * and no "no local" left over from a time when its session spoke MQTT 5. The publisher must have no mount point.
 */
export function takesVerbatim(match: Match<Session>, publisher: number): boolean {
  const { session } = match;
  if (session.receiver?.version !== 4 || session.mountPointBytes !== 0 || match.number !== 0) return false;
  return session.number !== publisher || match.toSelf === match;
}

/** How much of the topic is the client's mount point; no mount point begins with `$`, so a topic that does has none. */
export function hiddenBytes({ mountPointBytes }: Session, { topic }: Message): number {
  return mountPointBytes !== 0 && topic.bytes[0] !== DOLLAR_SIGN ? mountPointBytes : 0;
}
