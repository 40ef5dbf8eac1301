import { NO_EXPIRY, type RecordFields, RecordKind, type RecordView } from '../../journal/record-batch.ts';
import { isSampled } from '../../telemetry/trace-context.ts';
import { type Message, NO_EXPIRY_SECONDS } from './message.ts';
import { hasTraceparent } from './traceparent-property.ts';

/** Fills the header fields of the record that will hold the message; the byte ranges go beside them. */
export function fieldsOf(message: Message, packetId: number, out: RecordFields): RecordFields {
  out.kind = RecordKind.message;
  out.qos = message.qos;
  out.retain = message.retain;
  out.packetId = message.qos === 2 ? packetId : 0;
  out.timestamp = message.receivedAt;
  out.expirySeconds = message.expirySeconds === NO_EXPIRY_SECONDS ? NO_EXPIRY : message.expirySeconds;
  return out;
}

/**
 * Makes a message of a record where it lies; topic, publisher, span and position are the caller's to fill in. The time
 * it has waited is taken off its expiry [MQTT-3.3.2-6]. False: it has expired [MQTT-3.3.2-5].
 */
export function readRecord(record: RecordView, message: Message, now: number): boolean {
  message.qos = record.qos;
  message.retain = record.retain;
  message.properties = record.buffer;
  message.propertiesStart = record.propertiesStart;
  message.propertiesEnd = record.propertiesEnd;
  message.payload = record.buffer;
  message.payloadStart = record.payloadStart;
  message.payloadEnd = record.payloadEnd;
  message.receivedAt = record.timestamp;
  message.hasContext = record.hasContext;
  if (message.hasContext)
    message.context.set(record.buffer.subarray(record.contextStart, record.contextStart + message.context.length));
  // Only asked of messages with a context: whether the publisher sent one or the broker made it.
  message.hasTraceparent =
    message.hasContext && hasTraceparent(record.buffer, record.propertiesStart, record.propertiesEnd);
  if (record.expirySeconds === NO_EXPIRY) {
    message.expirySeconds = NO_EXPIRY_SECONDS;
    return true;
  }
  message.expirySeconds = Math.max(0, record.expirySeconds - Math.floor((now - record.timestamp) / 1000));
  return message.expirySeconds > 0;
}

/** Whether the record's message is being traced. */
export function isTraced(message: Message): boolean {
  return message.hasContext && isSampled(message.context);
}
