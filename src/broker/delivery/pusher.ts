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
import { canTake, LIVE, type Session } from '../session/session.ts';
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
const DROPPED_QUEUE_FULL = counterId(METRICS.messagesDroppedTotal, 'queue_full');
const DROPPED_TOO_LARGE = counterId(METRICS.messagesDroppedTotal, 'too_large');

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
      if (match !== undefined) this.#offer(message, match);
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

  #offer(message: Message, match: Match<Session>): void {
    const { session } = match;
    const { shard } = message;
    const receiver = session.receiver;
    if (shard === -1) {
      if (receiver !== undefined) this.pushTraced(message, match, 0, receiver);
      return;
    }
    if (session.positions[shard] !== LIVE) return;
    const qos = Math.min(message.qos, match.qos);
    if (receiver !== undefined && (qos === 0 || canTake(session))) {
      this.pushTraced(message, match, qos, receiver);
      return;
    }
    session.positions[shard] = message.offset;
    session.dirty = true;
    this.#onBehind(session);
  }

  /** Sends to a session that can take it, as a child of the message's span. */
  pushTraced(message: Message, match: Match<Session>, qos: number, receiver: Receiver, group = 0): PushOutcome {
    const retain = message.retain && match.retainAsPublished;
    if (message.span === NO_SPAN) return this.push(message, match, qos, receiver, retain, group, NO_SPAN);
    const span = this.#startPush(message, match.session);
    const outcome = this.push(message, match, qos, receiver, retain, group, span);
    this.#endPush(span, outcome);
    return outcome;
  }

  /**
   * Sends to a session that can take it. `group` is the number of the shared group on whose behalf it goes, 0 for none;
   * `span` the open span of this push, which the caller ends.
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
    encoder.encode(message, receiver.version, qos, retain, match.identifiers, context);
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
      const at = receiver.reserve(size);
      receiver.output.set(encoder.bytes.subarray(encoder.start, encoder.end), at);
      this.#metrics.add(DELIVERED[0]!, 1);
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
    if (session.persistent) {
      session.dirty = true;
      this.#sessionLog.sent(session, packetId, qos, message.shard, message.offset, group);
      // A QoS 2 message must be recognisable by its packet identifier even if the broker dies right behind the send.
      if (qos === 2) {
        this.#sessionLog.afterCommit(receiver, encoder.bytes.subarray(encoder.start, encoder.end));
        return;
      }
    }
    const at = receiver.reserve(encoder.end - encoder.start);
    receiver.output.set(encoder.bytes.subarray(encoder.start, encoder.end), at);
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
 * and no "no local" left over from a time when its session spoke MQTT 5.
 */
export function takesVerbatim(match: Match<Session>, publisher: number): boolean {
  const { session } = match;
  return session.receiver?.version === 4 && (session.number !== publisher || match.toSelf === match);
}
