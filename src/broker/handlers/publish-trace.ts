import type { TracedClient } from '../../base/traced-client.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { ENTRY, FLAG, QOS_SHIFT, SHAPE_SHIFT, type Shape } from '../../telemetry/records/message-entry.ts';
import type { MessagesStage } from '../../telemetry/records/message-recorder.ts';
import type { TextSlot } from '../../telemetry/records/text-table.ts';
import type { HeadMemory } from '../../telemetry/sampling/trace-head.ts';
import { explicitRandomness } from '../../telemetry/sampling/trace-state.ts';
import { FLAGS_AT, SAMPLED_FLAG } from '../../telemetry/trace-context.ts';
import type { AccessDecision } from '../auth/access-rules.ts';
import type { BrokerTopic, Message } from '../delivery/message.ts';
import { type Caller, CallerContext } from './caller-context.ts';

/** Whom a message comes from. */
export interface TracedPublisher extends TracedClient, Caller {
  /** The access decision about what it publishes, and where the name of its rule was written. */
  readonly lastDecision: AccessDecision;
  readonly lastRule: TextSlot;
  /** At which rate the traces of its messages are chosen. */
  readonly lastHead: HeadMemory;
}

/** What the broker's messages say of its load. */
export interface BrokerLoad {
  /** Connections now open. */
  readonly connectionCount: () => number;
  /** Messages waiting for the journal. */
  readonly queueDepth: () => number;
}

/**
 * The `mqtt/publish` of a message: begun by the broker, or continued from the `traceparent` the publisher sent, as far as
 * its listener trusts it. What the message carries stays as it was sent in any case.
 */
export class PublishTrace {
  readonly #recording: Recording;
  readonly #load: BrokerLoad;
  readonly #caller: CallerContext;
  readonly #stage: MessagesStage = { dispatchedAt: 0, answeredAt: 0, connections: 0, queueDepth: 0, shard: 0 };

  /** `maxForcedPerSecond`: see CallerContext. */
  constructor(recording: Recording, load: BrokerLoad, maxForcedPerSecond = 0) {
    this.#recording = recording;
    this.#load = load;
    this.#caller = new CallerContext(maxForcedPerSecond);
  }

  /** Begins the message's entry; where nothing is recorded a caller's context still goes on with the message. */
  begin(
    message: Message,
    connection: TracedPublisher,
    topic: BrokerTopic,
    buffer: Buffer,
    view: PublishView,
    at: number,
  ) {
    const { entry, trace } = message;
    const { messages, enabled, head } = this.#recording;
    message.hasTraceparent = view.traceparentStart !== -1;
    message.isTraced = enabled;
    const trust = view.traceparentStart === -1 ? 'none' : this.#caller.read(connection.listener, buffer, view);
    if (!enabled) {
      message.hasContext = trust === 'follow';
      if (trust === 'follow') trace.bytes.set(this.#caller.bytes);
      trace.bytes[FLAGS_AT]! &= SAMPLED_FLAG;
      return;
    }
    message.hasContext = true;
    const threshold = head.thresholdOfPublish(connection.lastHead, connection, topic);
    if (trust === 'follow') this.#continue(message, connection, buffer, view, threshold, at);
    else messages.begin(entry, trace, threshold);
    if (trust === 'link') messages.link(entry, this.#caller.bytes);
    this.#describe(message, connection, topic, view, at);
    this.#recording.content?.record(entry, { ...view, properties: buffer, payload: buffer });
  }

  /** The access decision is known. */
  decided(message: Message, connection: TracedPublisher, isCached: boolean): void {
    if (!message.isTraced) return;
    const { u32 } = message.entry;
    u32[ENTRY.rule] = this.#recording.texts.ofText(connection.lastRule, connection.lastDecision.rule);
    if (isCached) u32[ENTRY.flags]! |= FLAG.cached;
  }

  /** The message ends with the read. */
  direct(message: Message, shape: Shape, admittedAt: number): void {
    if (!message.isTraced) return;
    const { u32, f64 } = message.entry;
    u32[ENTRY.flags]! |= shape << SHAPE_SHIFT;
    f64[ENTRY.admittedAt] = admittedAt;
    this.#recording.messages.direct.append(message.entry);
  }

  /** It ends with the read, because it is not taken. */
  fail(message: Message, shape: Shape, errorType: string, reason: string): void {
    if (!message.isTraced) return;
    this.#recording.messages.fail(message.entry.u32, 0, shape, errorType, reason);
    this.direct(message, 0, message.entry.f64[ENTRY.receivedAt]!);
  }

  /** Everything that was read has been dealt with. */
  endRead(now: number): void {
    const { messages, pushes, enabled } = this.#recording;
    if (!enabled) return;
    pushes.endStage(now);
    if (messages.direct.count === 0) return;
    const stage = this.#stage;
    stage.dispatchedAt = now;
    stage.answeredAt = now;
    stage.connections = this.#load.connectionCount();
    stage.queueDepth = this.#load.queueDepth();
    messages.endRead(stage);
  }

  #continue(
    { entry, trace }: Message,
    publisher: Caller,
    buffer: Buffer,
    view: PublishView,
    threshold: number,
    at: number,
  ): void {
    const { messages, head } = this.#recording;
    const caller = this.#caller;
    const traceState = caller.traceState(buffer, view);
    const isExplicit = !head.sampler.followsParent && traceState !== '';
    const randomness = isExplicit ? explicitRandomness(traceState) : undefined;
    messages.beginBelow(entry, trace, caller.bytes, threshold, caller.forced(publisher, at), at, randomness);
    if (traceState !== '') messages.traceState(entry, traceState);
  }

  #describe(message: Message, connection: TracedPublisher, topic: BrokerTopic, view: PublishView, at: number): void {
    const { u32, f64 } = message.entry;
    const { clients, texts } = this.#recording;
    u32[ENTRY.client] = clients.of(connection);
    u32[ENTRY.topic] = texts.ofBytes(topic, topic.bytes);
    u32[ENTRY.rule] = 0;
    u32[ENTRY.payloadBytes] = view.payloadEnd - view.payloadStart;
    u32[ENTRY.flags]! |=
      (view.qos > 0 ? view.packetId : 0) |
      (view.qos << QOS_SHIFT) |
      (view.retain ? FLAG.retain : 0) |
      (view.duplicate ? FLAG.duplicate : 0);
    f64[ENTRY.receivedAt] = at;
    f64[ENTRY.admittedAt] = at;
  }
}
