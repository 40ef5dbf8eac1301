import { NO_SPAN, type SpanHandle } from '../../telemetry/recorder.ts';
import { CONTEXT_BYTES } from '../../telemetry/trace-context.ts';
import type { Topic } from '../router/topic.ts';
import type { Session } from '../session/session.ts';

const EMPTY = new Uint8Array(0);
export const NO_EXPIRY_SECONDS = -1;

export type BrokerTopic = Topic<Session, undefined>;

/**
 * A message on its way to subscribers: byte ranges in whatever buffer holds it (read buffer, journal batch, retained
 * value). One object is reused for all.
 */
export class Message {
  topic!: BrokerTopic;
  qos = 0;
  retain = false;
  /** Session number of the publisher, for "no local"; 0: nobody's. */
  publisher = 0;
  /** Where it stands in the journal; `shard` -1 for a QoS 0 message, which stands nowhere. */
  shard = -1;
  offset = -1;
  /** MQTT 5 properties that go on as they are (no alias, no expiry). */
  properties: Uint8Array = EMPTY;
  propertiesStart = 0;
  propertiesEnd = 0;
  payload: Uint8Array = EMPTY;
  payloadStart = 0;
  payloadEnd = 0;
  /** Seconds left, or NO_EXPIRY_SECONDS. */
  expirySeconds = NO_EXPIRY_SECONDS;
  /** Unix milliseconds at which the broker received it. */
  receivedAt = 0;
  /** The span under which its pushes are recorded; NO_SPAN: not recorded. */
  span: SpanHandle = NO_SPAN;
  /** The publisher's context: what is injected and linked to. */
  readonly context = new Uint8Array(CONTEXT_BYTES);
  hasContext = false;
  /** Whether the publisher sent a `traceparent` of its own. */
  hasTraceparent = false;
}
