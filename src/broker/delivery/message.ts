import { MessageEntry } from '../../telemetry/records/message-entry.ts';
import { messageContext } from '../../telemetry/records/message-recorder.ts';
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
  /** Whether its pushes are recorded, below `context`. */
  isTraced = false;
  /** What the recorder is told of it while it is handled. */
  readonly entry = new MessageEntry();
  /** The context of its first span (25 bytes): what is stored, injected and linked to. */
  readonly trace = messageContext();
  readonly context = this.trace.bytes;
  hasContext = false;
  /** When it was known what is to be done with it: its pushes begin then. */
  dispatchedAt = 0;
  /** Whether the publisher sent a `traceparent` of its own. */
  hasTraceparent = false;
}
