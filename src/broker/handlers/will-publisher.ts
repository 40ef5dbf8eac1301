import type { Clock } from '../../base/clock.ts';
import { BufferWriter, SizeCounter } from '../../mqtt/codec/byte-writer.ts';
import { writeProperties } from '../../mqtt/codec/properties.ts';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { readVariableByteInteger, variableByteIntegerSize } from '../../mqtt/variable-byte-integer.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { ENTRY, EntryBatch, FLAG, QOS_SHIFT } from '../../telemetry/records/message-entry.ts';
import type { MessagesStage } from '../../telemetry/records/message-recorder.ts';
import { CONTEXT_BYTES, hasTrace } from '../../telemetry/trace-context.ts';
import { Message, NO_EXPIRY_SECONDS } from '../delivery/message.ts';
import type { MessageFlow } from '../delivery/message-flow.ts';
import { hasTraceparent } from '../delivery/traceparent-property.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Session } from '../session/session.ts';
import type { Will } from '../session/will.ts';

const NO_CONTEXT = new Uint8Array(CONTEXT_BYTES);

/** Turns the will of a CONNECT into what is kept, and what is kept into a message when its time comes. */
export class WillPublisher {
  readonly #flow: () => MessageFlow;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #recording: Recording;
  readonly #clock: Clock;

  constructor(flow: () => MessageFlow, topics: TopicTable<Session, undefined>, recording: Recording, clock: Clock) {
    this.#flow = flow;
    this.#topics = topics;
    this.#recording = recording;
    this.#clock = clock;
  }

  /** `context`: the span of the CONNECT, where it is recorded. */
  willOf(packet: ConnectPacket, context: Uint8Array = NO_CONTEXT): Will | undefined {
    const { will } = packet;
    if (will === undefined) return undefined;
    const { willDelayInterval, messageExpiryInterval, ...forwarded } = will.properties;
    return {
      topic: will.topic,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: propertyBlock(forwarded),
      delaySeconds: willDelayInterval ?? 0,
      ...(messageExpiryInterval === undefined ? {} : { expirySeconds: messageExpiryInterval }),
      context,
    };
  }

  /**
   * Publishes the session's will, like a message of its client [MQTT-3.1.2-8]. Settles when it is as durable as its QoS
   * promises, or could not be kept, which is logged like any such message.
   */
  publish(session: Session): Promise<void> {
    const { will } = session;
    if (will === undefined) return Promise.resolve();
    const now = this.#clock.now();
    const name = Buffer.from(will.topic);
    const message = new Message();
    message.topic = this.#topics.intern(name, 0, name.length);
    message.qos = will.qos;
    message.retain = will.retain;
    message.publisher = session.number;
    message.properties = will.properties;
    message.propertiesEnd = will.properties.length;
    message.payload = will.payload;
    message.payloadEnd = will.payload.length;
    message.expirySeconds = will.expirySeconds ?? NO_EXPIRY_SECONDS;
    message.receivedAt = now;
    this.#begin(message, session, will, now);
    message.hasTraceparent = hasTraceparent(will.properties, 0, will.properties.length);
    const flow = this.#flow();
    if (will.qos > 0) {
      const ingest = flow.store(message, undefined, session, 0);
      flow.endRead(now);
      return ingest.settled();
    }
    if (will.retain) flow.retain(message);
    flow.deliver(message);
    this.#end(message);
    return Promise.resolve();
  }

  /** A trace of its own, as the will may come out long after the CONNECT that gave it; linked to that. */
  #begin(message: Message, session: Session, { context }: Will, at: number): void {
    const { messages, clients, texts, head, enabled } = this.#recording;
    message.isTraced = enabled;
    message.hasContext = enabled;
    if (!enabled) return;
    const { entry, topic } = message;
    const { u32, f64 } = entry;
    const origin = { clientId: session.clientId, userName: session.userName ?? '', remoteAddress: '' };
    messages.begin(entry, message.trace, head.thresholdFor('will', origin, topic.name));
    if (hasTrace(context)) messages.link(entry, context);
    u32[ENTRY.client] = clients.absent(session.clientId, session.number);
    u32[ENTRY.topic] = texts.ofBytes(topic, topic.bytes);
    u32[ENTRY.rule] = 0;
    u32[ENTRY.payloadBytes] = message.payloadEnd;
    u32[ENTRY.flags]! |= FLAG.will | (message.qos << QOS_SHIFT) | (message.retain ? FLAG.retain : 0);
    f64[ENTRY.receivedAt] = at;
    f64[ENTRY.admittedAt] = at;
    message.dispatchedAt = at;
    this.#recording.content?.record(entry, message);
  }

  #end(message: Message): void {
    if (!message.isTraced) return;
    const { messages, pushes } = this.#recording;
    const now = this.#clock.now();
    const stage: MessagesStage = { dispatchedAt: now, answeredAt: now, connections: 0, queueDepth: 0, shard: 0 };
    const alone = new EntryBatch();
    alone.append(message.entry);
    pushes.endStage(now);
    messages.write(alone, 0, 1, stage);
  }
}

/** The properties as they lie in a PUBLISH, without the length in front. */
function propertyBlock(properties: Parameters<typeof writeProperties<'publish'>>[3]): Uint8Array {
  const counter = new SizeCounter();
  writeProperties(counter, 5, 'publish', properties);
  const encoded = Buffer.alloc(counter.size);
  writeProperties(new BufferWriter(encoded), 5, 'publish', properties);
  return encoded.subarray(variableByteIntegerSize(readVariableByteInteger(encoded, 0, encoded.length)));
}
