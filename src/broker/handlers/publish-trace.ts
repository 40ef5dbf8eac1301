import type { ListenerConfig } from '../../config/schema.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { describeOutcome } from '../../telemetry/operation.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import { CONTEXT_BYTES, parseTraceparent } from '../../telemetry/trace-context.ts';
import type { Connection } from '../connection/connection.ts';
import type { BrokerTopic, Message } from '../delivery/message.ts';
import { contextOf } from './span-context.ts';

export interface TraceIdentity {
  readonly cluster: string;
  readonly brokerId: string;
  /** Connections now open. */
  readonly connectionCount: () => number;
  /** Messages waiting for the journal. */
  readonly queueDepth: () => number;
}

/**
 * The `mqtt/publish` span: begun by the broker, or continued from the `traceparent` the publisher sent, as far as its
 * listener trusts it. What the message carries stays as it was sent in any case.
 */
export class PublishTrace {
  readonly #recorder: Recorder;
  readonly #identity: TraceIdentity;
  readonly #now: () => number;
  readonly #caller = new Uint8Array(CONTEXT_BYTES);
  /** The context goes on with the message even where the broker records nothing. */
  #hasCaller = false;

  constructor(recorder: Recorder, identity: TraceIdentity, now: () => number) {
    this.#recorder = recorder;
    this.#identity = identity;
    this.#now = now;
  }

  /** NO_SPAN where the message is not sampled: by the caller's flag where that is followed, by the head sampler otherwise. */
  begin(connection: Connection, topic: BrokerTopic, buffer: Buffer, view: PublishView, at: number): SpanHandle {
    this.#hasCaller = false;
    const span =
      view.traceparentStart === -1
        ? this.#recorder.root(SPANS.mqttPublish, at)
        : this.#beginFromCaller(connection.listener.traceContext, buffer, view, at);
    if (span !== NO_SPAN) this.#describe(span, connection, topic, view);
    return span;
  }

  /** A trace that is only linked is the broker's own: who sent the context decides neither its id nor whether it is kept. */
  #beginFromCaller(trust: ListenerConfig['traceContext'], buffer: Buffer, view: PublishView, at: number): SpanHandle {
    const isKnown =
      trust !== 'ignore' && parseTraceparent(buffer, view.traceparentStart, view.traceparentEnd, this.#caller, 0);
    this.#hasCaller = isKnown && trust === 'follow';
    if (this.#hasCaller) return this.#recorder.continued(SPANS.mqttPublish, this.#caller, 0, at);
    const span = this.#recorder.root(SPANS.mqttPublish, at);
    if (isKnown) this.#recorder.link(span, this.#caller, 0);
    return span;
  }

  /** What goes on with the message: the open span, and the context to store and to hand on. */
  fill(message: Message, span: SpanHandle, view: PublishView): void {
    message.span = span;
    message.hasTraceparent = view.traceparentStart !== -1;
    message.hasContext = span !== NO_SPAN || this.#hasCaller;
    if (span !== NO_SPAN) this.#recorder.context(span, message.context, 0);
    else if (this.#hasCaller) message.context.set(this.#caller);
  }

  /** For the PUBREL, which goes on with the trace; undefined where there is none. */
  contextOf(span: SpanHandle): Uint8Array | undefined {
    return contextOf(this.#recorder, span);
  }

  fail(span: SpanHandle, errorType: string, message: string, startedAt: number): void {
    if (span === NO_SPAN) return;
    this.#recorder.fail(span, errorType, message);
    this.#finish(span, startedAt, false);
  }

  end(span: SpanHandle, startedAt: number): void {
    if (span !== NO_SPAN) this.#finish(span, startedAt, true);
  }

  #finish(span: SpanHandle, startedAt: number, success: boolean): void {
    const now = this.#now();
    describeOutcome(this.#recorder, span, now - startedAt, success);
    this.#recorder.end(span, now);
  }

  #describe(span: SpanHandle, connection: Connection, topic: BrokerTopic, view: PublishView): void {
    const recorder = this.#recorder;
    const session = connection.session!;
    const identity = this.#identity;
    recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
    recorder.attribute(span, ATTRIBUTES.mqttTopic, topic.name);
    recorder.attribute(span, ATTRIBUTES.mqttQos, view.qos);
    recorder.attribute(span, ATTRIBUTES.mqttRetain, view.retain);
    recorder.attribute(span, ATTRIBUTES.mqttPayloadSize, view.payloadEnd - view.payloadStart);
    if (view.qos > 0) recorder.attribute(span, ATTRIBUTES.mqttPacketId, view.packetId);
    if (view.duplicate) recorder.attribute(span, ATTRIBUTES.mqttDuplicate, true);
    recorder.attribute(span, ATTRIBUTES.networkPeerAddress, connection.remoteAddress);
    recorder.attribute(span, ATTRIBUTES.networkPeerPort, connection.remotePort);
    recorder.attribute(span, ATTRIBUTES.robustmqCluster, identity.cluster);
    recorder.attribute(span, ATTRIBUTES.robustmqBrokerId, identity.brokerId);
    recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(session.number));
    recorder.attribute(span, ATTRIBUTES.performanceConnectionCount, identity.connectionCount());
    recorder.attribute(span, ATTRIBUTES.performanceQueueDepth, identity.queueDepth());
  }
}
