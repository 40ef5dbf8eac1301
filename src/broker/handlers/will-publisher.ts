import type { Clock } from '../../base/clock.ts';
import { BufferWriter, SizeCounter } from '../../mqtt/codec/byte-writer.ts';
import { writeProperties } from '../../mqtt/codec/properties.ts';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { readVariableByteInteger, variableByteIntegerSize } from '../../mqtt/variable-byte-integer.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
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
  readonly #recorder: Recorder;
  readonly #clock: Clock;

  constructor(flow: () => MessageFlow, topics: TopicTable<Session, undefined>, recorder: Recorder, clock: Clock) {
    this.#flow = flow;
    this.#topics = topics;
    this.#recorder = recorder;
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
    const span = this.#begin(will, now);
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
    message.span = span;
    if (span !== NO_SPAN) {
      this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
      this.#recorder.attribute(span, ATTRIBUTES.mqttTopic, will.topic);
      this.#recorder.attribute(span, ATTRIBUTES.mqttQos, will.qos);
      this.#recorder.context(span, message.context, 0);
      message.hasContext = true;
    }
    message.hasTraceparent = hasTraceparent(will.properties, 0, will.properties.length);
    const flow = this.#flow();
    if (will.qos > 0) return flow.store(message, undefined, session, 0).settled();
    if (will.retain) flow.retain(message);
    flow.deliver(message);
    this.#recorder.end(span, this.#clock.now());
    return Promise.resolve();
  }

  /** A trace of its own, as the will may come out long after the CONNECT that gave it; linked to that. */
  #begin({ context }: Will, at: number): SpanHandle {
    if (hasTrace(context)) return this.#recorder.linked(SPANS.willPublish, context, 0, at);
    return this.#recorder.root(SPANS.willPublish, at);
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
