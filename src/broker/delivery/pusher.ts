import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import { CONTEXT_BYTES } from '../../telemetry/trace-context.ts';
import type { SessionLog } from '../durability/session-log.ts';
import type { MatchSet } from '../router/match-set.ts';
import type { SharedGroup } from '../router/shared-group.ts';
import type { Match } from '../router/subscription.ts';
import type { Receiver } from '../session/receiver.ts';
import { canTake, isNoted, LIVE, type Session } from '../session/session.ts';
import { startConfirm } from './confirm-span.ts';
import type { Message } from './message.ts';
import type { PublishEncoder } from './publish-encoder.ts';

/** A fan-out beyond this many subscribers is one span with a count. */
export const PUSH_SPANS = 32;

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
}

/** Sends a message that is in memory to those who are there and can take it; who cannot is left to the journal. */
export class Pusher {
  readonly #encoder: PublishEncoder;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #sessionLog: SessionLog;
  readonly #shared: () => GroupDelivery;
  readonly #clock: Clock;
  readonly #onBehind: (session: Session) => void;
  readonly #pushContext = new Uint8Array(CONTEXT_BYTES);
  #rest: SpanHandle = NO_SPAN;
  #pushCount = 0;
  #restFailures = 0;

  constructor(parts: {
    encoder: PublishEncoder;
    recorder: Recorder;
    metrics: Metrics;
    sessionLog: SessionLog;
    shared: () => GroupDelivery;
    clock: Clock;
    /** A session that was live could not take a message: it reads on from the journal. */
    onBehind: (session: Session) => void;
  }) {
    this.#encoder = parts.encoder;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#sessionLog = parts.sessionLog;
    this.#shared = parts.shared;
    this.#clock = parts.clock;
    this.#onBehind = parts.onBehind;
  }

  /** Offers the message to everybody it matches; without those that have it already as bytes of a run, if `afterRun`. */
  pushToAll(message: Message, matches: MatchSet<Session>, afterRun = false): void {
    this.begin();
    const { members, groups } = matches;
    for (let index = 0; index < members.length; index += 1) {
      const member = members[index]!;
      if (afterRun && takesVerbatim(member, message.publisher)) continue;
      const match = member.session.number === message.publisher ? member.toSelf : member;
      if (match !== undefined && !this.#offer(message, match)) this.#fallBehind(message, members, index);
    }
    for (let index = 0; index < groups.length; index += 1) this.#shared().offer(groups[index]!, message);
    this.finish();
  }

  /** Forgets what was encoded for the message before; `push` may then be called for any number of sessions. */
  begin(): void {
    this.#encoder.begin();
    this.#pushCount = 0;
    this.#restFailures = 0;
  }

  /** Ends the span that stands for the rest of a large fan-out. */
  finish(): void {
    if (this.#rest === NO_SPAN) return;
    this.#recorder.attribute(this.#rest, ATTRIBUTES.pushCount, this.#pushCount - PUSH_SPANS);
    this.#recorder.attribute(this.#rest, ATTRIBUTES.pushFailures, this.#restFailures);
    this.#recorder.end(this.#rest, this.#clock.now());
    this.#rest = NO_SPAN;
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
    if (message.span === NO_SPAN) return this.push(message, match, qos, receiver, retain, group, NO_SPAN);
    const span = this.#startPush(message, match.session);
    const outcome = this.push(message, match, qos, receiver, retain, group, span);
    this.#endPush(span, outcome);
    return outcome;
  }

  /**
   * Sends to a session that can take it. `group` is the number of the shared group on whose behalf it goes, or of the
   * match, or FROM_RETAINED; `span` the open span of this push, which the caller ends.
   */
  push(
    message: Message,
    match: Match<Session>,
    qos: number,
    receiver: Receiver,
    retain: boolean,
    group: number,
    span: SpanHandle,
  ): PushOutcome {
    const encoder = this.#encoder;
    if (span !== NO_SPAN) this.#recorder.context(span, this.#pushContext, 0);
    const context = span === NO_SPAN ? undefined : this.#pushContext;
    encoder.encodeFor(receiver, hiddenBytes(match.session, message), message, qos, retain, match.identifiers, context);
    const size = encoder.end - encoder.start;
    // [MQTT-3.1.2-25]: as if it had been sent.
    if (size > receiver.maximumPacketSize) {
      this.#metrics.add(DROPPED_TOO_LARGE, 1);
      if (qos > 0) match.session.dirty = true;
      this.#recorder.attribute(span, ATTRIBUTES.dropReason, 'too_large');
      return 'dropped';
    }
    if (qos === 0) {
      if (!receiver.hasRoomFor(size)) {
        this.#metrics.add(DROPPED_QUEUE_FULL, 1);
        this.#recorder.attribute(span, ATTRIBUTES.dropReason, 'queue_full');
        return 'dropped';
      }
      this.#write(receiver);
      this.#metrics.add(DELIVERED[0]!, 1);
      this.#metrics.add(PAYLOAD_BYTES, message.payloadEnd - message.payloadStart);
      return 'pushed';
    }
    this.#sendConfirmed(message, match.session, qos, receiver, group, span);
    return 'pushed';
  }

  /** QoS 1 and 2: takes a place in the window, notes it in the session log, and only then sends. */
  #sendConfirmed(
    message: Message,
    session: Session,
    qos: number,
    receiver: Receiver,
    group: number,
    span: SpanHandle,
  ): void {
    const encoder = this.#encoder;
    // The span of the rest stands for many pushes and ends before any of them is confirmed.
    const isTraced = span !== NO_SPAN && span !== this.#rest;
    const confirm = isTraced ? startConfirm(this.#recorder, span, session, qos, this.#clock.now()) : NO_SPAN;
    const packetId = session.window.reserve(qos, message.shard, message.offset, message.receivedAt, group, confirm);
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

  #startPush(message: Message, session: Session): SpanHandle {
    this.#pushCount += 1;
    if (this.#pushCount > PUSH_SPANS) {
      if (this.#rest === NO_SPAN)
        this.#rest = this.#recorder.child(SPANS.clientPushRest, message.span, this.#clock.now());
      return this.#rest;
    }
    const span = this.#recorder.child(SPANS.clientPush, message.span, this.#clock.now());
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
    this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(session.number));
    return span;
  }

  #endPush(span: SpanHandle, outcome: PushOutcome): void {
    if (span === this.#rest) {
      if (outcome === 'dropped') this.#restFailures += 1;
      return;
    }
    if (outcome === 'dropped') {
      this.#recorder.fail(span, 'dropped', 'the message was dropped before it reached the socket');
    }
    this.#recorder.end(span, this.#clock.now());
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
