import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Recording } from '../../telemetry/recording.ts';
import type { Session } from '../session/session.ts';
import type { Message } from './message.ts';

const DROPS = {
  expired: {
    counter: counterId(METRICS.messagesDroppedTotal, 'expired'),
    sentence: 'the message expired before it was delivered',
  },
  no_subscriber: {
    counter: counterId(METRICS.messagesDroppedTotal, 'no_subscriber'),
    sentence: 'no member of the shared group could take the message',
  },
} as const;

export type DropReason = keyof typeof DROPS;

/**
 * Messages whose way ends before a push of theirs has begun. They are counted, and their traces say it by a span that is
 * written at once: there are few of them, and nothing else would keep such a trace.
 */
export class DroppedMessages {
  readonly #recording: Recording;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #linkAfterMs: number;

  /** `linkAfterMs`: see LateDelivery. */
  constructor(parts: { recording: Recording; metrics: Metrics; clock: Clock; linkAfterMs: number }) {
    this.#recording = parts.recording;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#linkAfterMs = parts.linkAfterMs;
  }

  /** When it is dispatched, for so many subscribers: one span for all of them. `session`: of the only one, if known. */
  dispatched(message: Message, reason: DropReason, subscribers: number, session?: Session): void {
    this.#metrics.add(DROPS[reason].counter, subscribers);
    if (!this.#isTraced(message)) return;
    const at = this.#clock.now();
    this.#tell(this.#recording.spans.continued(SPANS.clientPush, message.context, 0, at), reason, at, session);
  }

  /** Later, when it is read for a session or, where that is left out, for any member of a shared group. */
  late(message: Message, reason: DropReason, session?: Session): void {
    this.#metrics.add(DROPS[reason].counter, 1);
    if (!this.#isTraced(message)) return;
    const { spans } = this.#recording;
    const at = this.#clock.now();
    const waitedMs = at - message.receivedAt;
    const span =
      waitedMs <= this.#linkAfterMs
        ? spans.continued(SPANS.clientPush, message.context, 0, at)
        : spans.linked(SPANS.clientPush, message.context, 0, at);
    spans.attribute(span, ATTRIBUTES.mqttTopic, message.topic.name);
    spans.attribute(span, ATTRIBUTES.waitedMs, waitedMs);
    this.#tell(span, reason, at, session);
  }

  /** A limit keeps it from future subscribers; it has been counted, and those who are there get it. */
  notRetained(message: Message): void {
    if (!this.#isTraced(message)) return;
    const { spans } = this.#recording;
    const at = this.#clock.now();
    const span = spans.continued(SPANS.messageRetain, message.context, 0, at);
    spans.attribute(span, ATTRIBUTES.dropReason, 'quota');
    spans.fail(span, 'quota_exceeded', 'the message is beyond a limit of retained messages');
    spans.end(span, at);
  }

  #isTraced({ hasContext }: Message): boolean {
    return hasContext && this.#recording.enabled;
  }

  #tell(span: SpanHandle, reason: DropReason, at: number, session: Session | undefined): void {
    if (span === NO_SPAN) return;
    const { spans } = this.#recording;
    if (session !== undefined) {
      spans.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
      spans.attribute(span, ATTRIBUTES.robustmqSessionId, String(session.number));
    }
    spans.attribute(span, ATTRIBUTES.dropReason, reason);
    spans.fail(span, 'dropped', DROPS[reason].sentence);
    spans.end(span, at);
  }
}
