import type { Clock } from '../../base/clock.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { PUSH_FLAG } from '../../telemetry/records/push-record.ts';
import { decisionOf, type PushHandle } from '../../telemetry/records/push-recorder.ts';
import { hasTrace } from '../../telemetry/trace-context.ts';
import type { Match } from '../router/subscription.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { FROM_RETAINED } from '../session/inflight-window.ts';
import type { Session } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import { Message } from './message.ts';
import type { Pusher } from './pusher.ts';
import type { RetainedMessages } from './retained-messages.ts';

/** What came of one step: nothing is left to do for it, the next one needs another turn, or the session has no room. */
type RetainedStep = 'done' | 'searching' | 'no_room';

/**
 * Sends to one session what was published before: read from the journal, or kept for the topic. Within `linkAfterMs` of
 * its publishing the push belongs to the publisher's trace; later it is a trace of its own with a link to it.
 */
export class LateDelivery {
  readonly #pusher: Pusher;
  readonly #retained: RetainedMessages;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #recording: Recording;
  readonly #dropped: DroppedMessages;
  readonly #clock: Clock;
  readonly #linkAfterMs: number;
  readonly #message = new Message();

  constructor(parts: {
    pusher: Pusher;
    retained: RetainedMessages;
    topics: TopicTable<Session, undefined>;
    recording: Recording;
    dropped: DroppedMessages;
    clock: Clock;
    linkAfterMs: number;
  }) {
    this.#pusher = parts.pusher;
    this.#retained = parts.retained;
    this.#topics = parts.topics;
    this.#recording = parts.recording;
    this.#dropped = parts.dropped;
    this.#clock = parts.clock;
    this.#linkAfterMs = parts.linkAfterMs;
  }

  /** The session must be able to take it. */
  send(message: Message, match: Match<Session>, qos: number, retain: boolean, group = 0): void {
    const handle = this.begin(message, match.session, qos);
    message.isTraced = false;
    message.dispatchedAt = this.#clock.now();
    this.#pusher.begin();
    this.#pusher.push(message, match, qos, match.session.receiver!, retain, group, handle);
    if (handle !== 0) this.#recording.pushes.endStage(this.#clock.now());
  }

  /** The push of a message that comes late; 0 where the message is not traced. `flags`: see PUSH_FLAG. */
  begin(message: Message, session: Session, qos: number, flags = 0): PushHandle {
    const { pushes, clients, texts, messages, head, enabled } = this.#recording;
    const { context, topic, trace } = message;
    if (!enabled || !message.hasContext || !hasTrace(context)) return 0;
    const now = this.#clock.now();
    const waitedMs = now - message.receivedAt;
    const all = flags | PUSH_FLAG.late;
    const receiver = session.receiver!;
    const client = clients.of(receiver);
    const name = texts.ofBytes(topic, topic.bytes);
    const link = messages.linkTo(context);
    const handle =
      waitedMs <= this.#linkAfterMs
        ? pushes.begin(trace.words, all | decisionOf(context), qos, client, name, link, now)
        : pushes.beginLinked(all, qos, client, name, link, now, head.thresholdFor('delivery', receiver, topic.name));
    pushes.waited(handle, waitedMs);
    return handle;
  }

  /** One step towards the next retained message owed to a subscription, which is sent if the session can take it. */
  sendRetained(session: Session): RetainedStep {
    const owed = session.owedRetained[0]!;
    if (owed.waiting === undefined) {
      const found = owed.topics.next();
      if (found.done) {
        session.owedRetained.shift();
        return 'done';
      }
      if (found.value === undefined) return 'searching';
      owed.waiting = found.value;
    }
    const { subscription } = owed;
    if (!subscription.covers(owed.waiting)) {
      owed.waiting = undefined;
      return 'done';
    }
    const name = Buffer.from(owed.waiting);
    const message = this.#message;
    const found = this.#retained.read(this.#topics.intern(name, 0, name.length), message, this.#clock.now());
    if (found === 'kept') {
      const qos = Math.min(message.qos, subscription.qos);
      if (session.receiver!.saturated || (qos > 0 && !session.window.hasRoom)) return 'no_room';
      // [MQTT-3.3.1-8]: sent because of a new subscription, it keeps its retain flag.
      this.send(message, subscription, qos, true, FROM_RETAINED);
    } else if (found === 'expired') this.#dropped.late(message, 'expired', session);
    owed.waiting = undefined;
    return 'done';
  }
}
