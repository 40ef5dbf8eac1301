import {
  NO_EXPIRY,
  type RecordBatch,
  type RecordFields,
  RecordKind,
  type RecordView,
} from '../../journal/record-batch.ts';
import { FLAGS_AT } from '../../telemetry/trace-context.ts';
import { type Message, NO_EXPIRY_SECONDS } from './message.ts';
import { hasTraceparent } from './traceparent-property.ts';

/** Filled anew for each record, so that adding one allocates nothing. */
const fields: RecordFields = {
  kind: RecordKind.message,
  qos: 0,
  retain: false,
  packetId: 0,
  timestamp: 0,
  expirySeconds: NO_EXPIRY,
};

/** Adds the message to the batch and returns its position. `publisher` as `Session.publisherBytes` has it. */
export function addRecord(batch: RecordBatch, message: Message, publisher: Uint8Array, packetId: number): number {
  fields.qos = message.qos;
  fields.retain = message.retain;
  fields.packetId = message.qos === 2 ? packetId : 0;
  fields.timestamp = message.receivedAt;
  fields.expirySeconds = message.expirySeconds === NO_EXPIRY_SECONDS ? NO_EXPIRY : message.expirySeconds;
  return batch.add(
    fields,
    message.topic.bytes,
    publisher,
    message.properties,
    message.propertiesStart,
    message.propertiesEnd,
    message.payload,
    message.payloadStart,
    message.payloadEnd,
    message.hasContext ? message.context : undefined,
    0,
  );
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
  if (message.hasContext) message.context[FLAGS_AT] = record.readContext(message.trace.words);
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
