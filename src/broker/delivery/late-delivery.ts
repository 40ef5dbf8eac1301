import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Match } from '../router/subscription.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { FROM_RETAINED } from '../session/inflight-window.ts';
import type { Session } from '../session/session.ts';
import { Message } from './message.ts';
import type { Pusher } from './pusher.ts';
import { isTraced } from './record-message.ts';
import type { RetainedMessages } from './retained-messages.ts';

const DROPPED_EXPIRED = counterId(METRICS.messagesDroppedTotal, 'expired');

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
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #linkAfterMs: number;
  readonly #message = new Message();

  constructor(parts: {
    pusher: Pusher;
    retained: RetainedMessages;
    topics: TopicTable<Session, undefined>;
    recorder: Recorder;
    metrics: Metrics;
    clock: Clock;
    linkAfterMs: number;
  }) {
    this.#pusher = parts.pusher;
    this.#retained = parts.retained;
    this.#topics = parts.topics;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#linkAfterMs = parts.linkAfterMs;
  }

  /** The session must be able to take it. */
  send(message: Message, match: Match<Session>, qos: number, retain: boolean, group = 0): void {
    const span = this.begin(message, match.session);
    message.span = NO_SPAN;
    this.#pusher.begin();
    const outcome = this.#pusher.push(message, match, qos, match.session.receiver!, retain, group, span);
    if (span === NO_SPAN) return;
    if (outcome === 'dropped')
      this.#recorder.fail(span, 'dropped', 'the message was dropped before it reached the socket');
    this.#recorder.end(span, this.#clock.now());
  }

  /** The span of a push that comes late; NO_SPAN where the message is not traced. */
  begin(message: Message, session: Session): SpanHandle {
    if (!isTraced(message)) return NO_SPAN;
    const now = this.#clock.now();
    const waitedMs = now - message.receivedAt;
    const joins = waitedMs <= this.#linkAfterMs;
    const span = joins
      ? this.#recorder.continued(SPANS.clientPush, message.context, 0, now)
      : this.#recorder.linked(SPANS.clientPush, message.context, 0, now);
    if (joins) this.#recorder.link(span, message.context, 0);
    this.#recorder.attribute(span, ATTRIBUTES.waitedMs, waitedMs);
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
    this.#recorder.attribute(span, ATTRIBUTES.mqttTopic, message.topic.name);
    this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(session.number));
    return span;
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
    if (this.#retained.read(this.#topics.intern(name, 0, name.length), message, this.#clock.now())) {
      const qos = Math.min(message.qos, subscription.qos);
      if (session.receiver!.saturated || (qos > 0 && !session.window.hasRoom)) return 'no_room';
      // [MQTT-3.3.1-8]: sent because of a new subscription, it keeps its retain flag.
      this.send(message, subscription, qos, true, FROM_RETAINED);
    } else this.#metrics.add(DROPPED_EXPIRED, 1);
    owed.waiting = undefined;
    return 'done';
  }
}
