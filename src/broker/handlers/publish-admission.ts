import { copyForwardedProperties } from '../../mqtt/forwarded-properties.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { validateTopicName } from '../../mqtt/topic.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { SpanHandle } from '../../telemetry/recorder.ts';
import type { AccessControl } from '../auth/access-control.ts';
import { closeReasonFor } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import type { BrokerTopic, Message } from '../delivery/message.ts';
import { NO_EXPIRY_SECONDS } from '../delivery/message.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Session } from '../session/session.ts';

const TOPIC_LEVELS_HIT = counterId(METRICS.limitsHitTotal, 'topic_levels');
const TOPIC_ALIAS_HIT = counterId(METRICS.limitsHitTotal, 'topic_alias');
const SLASH = 0x2f;

export interface PublishLimits {
  readonly maximumQos: number;
  readonly retainAvailable: boolean;
  readonly topicAliasMaximum: number;
  readonly maximumTopicLevels: number;
  readonly maximumTopicBytes: number;
}

/** Whether a PUBLISH is taken at all: its topic, its alias, what the broker offers, what the client may do. */
export class PublishAdmission {
  readonly #topics: TopicTable<Session, undefined>;
  readonly #access: AccessControl;
  readonly #metrics: Metrics;
  readonly #limits: PublishLimits;
  #forwarded = Buffer.allocUnsafeSlow(64 * 1024);

  constructor(topics: TopicTable<Session, undefined>, access: AccessControl, metrics: Metrics, limits: PublishLimits) {
    this.#topics = topics;
    this.#access = access;
    this.#metrics = metrics;
    this.#limits = limits;
  }

  /** The topic, after alias and limits; undefined when the connection has been closed for it. */
  topicOf(connection: Connection, buffer: Buffer, view: PublishView): BrokerTopic | undefined {
    const limits = this.#limits;
    // [MQTT-3.2.2-11], [MQTT-3.2.2-14]: what CONNACK said is not offered.
    if (view.qos > limits.maximumQos) return this.#close(connection, ReasonCode.qosNotSupported);
    if (view.retain && !limits.retainAvailable) return this.#close(connection, ReasonCode.retainNotSupported);
    if (view.topicAlias === 0) return this.#named(connection, buffer, view);
    if (view.topicAlias > limits.topicAliasMaximum) {
      // [MQTT-3.3.2-9]
      this.#metrics.add(TOPIC_ALIAS_HIT, 1);
      return this.#close(connection, ReasonCode.topicAliasInvalid);
    }
    if (view.topicEnd === view.topicStart)
      return connection.topicAliases[view.topicAlias] ?? this.#close(connection, ReasonCode.protocolError);
    const topic = this.#named(connection, buffer, view);
    connection.topicAliases[view.topicAlias] = topic;
    return topic;
  }

  /** Answered from the connection when it publishes to the same topic again. */
  mayPublish(connection: Connection, topic: BrokerTopic, span: SpanHandle): boolean {
    const access = this.#access;
    access.traceIdentity(connection, span);
    if (connection.lastTopic === topic && connection.lastAccessVersion === access.version)
      access.traceRemembered(connection.lastDecision, topic.name, span);
    else {
      connection.lastDecision = access.decide(connection, 'publish', topic.name, span);
      connection.lastTopic = topic;
      connection.lastAccessVersion = access.version;
    }
    return connection.lastDecision.allowed;
  }

  /** Describes the PUBLISH as a message that lies in the read buffer. */
  fill(
    message: Message,
    connection: Connection,
    topic: BrokerTopic,
    buffer: Buffer,
    view: PublishView,
    receivedAt: number,
  ): void {
    message.topic = topic;
    message.qos = view.qos;
    message.retain = view.retain;
    message.publisher = connection.session!.number;
    message.shard = -1;
    message.offset = -1;
    message.properties = buffer;
    message.propertiesStart = view.propertiesStart;
    message.propertiesEnd = view.propertiesEnd;
    if (view.hasHopProperties) this.#forward(message, buffer, view);
    message.payload = buffer;
    message.payloadStart = view.payloadStart;
    message.payloadEnd = view.payloadEnd;
    message.expirySeconds = view.messageExpirySeconds < 0 ? NO_EXPIRY_SECONDS : view.messageExpirySeconds;
    message.receivedAt = receivedAt;
  }

  /** Leaves out what concerned only the hop to the broker. */
  #forward(message: Message, buffer: Buffer, view: PublishView): void {
    const length = view.propertiesEnd - view.propertiesStart;
    if (length > this.#forwarded.length) this.#forwarded = Buffer.allocUnsafeSlow(length);
    message.properties = this.#forwarded;
    message.propertiesStart = 0;
    message.propertiesEnd = copyForwardedProperties(
      buffer,
      view.propertiesStart,
      view.propertiesEnd,
      this.#forwarded,
      0,
    );
  }

  #named(connection: Connection, buffer: Buffer, view: PublishView): BrokerTopic | undefined {
    const { topicStart, topicEnd } = view;
    const known = this.#topics.lookup(buffer, topicStart, topicEnd);
    if (known !== undefined) return known;
    const failure = validateTopicName(buffer, topicStart, topicEnd);
    if (failure !== ReasonCode.success) return this.#close(connection, failure);
    if (
      topicEnd - topicStart > this.#limits.maximumTopicBytes ||
      this.#hasTooManyLevels(buffer, topicStart, topicEnd)
    ) {
      this.#metrics.add(TOPIC_LEVELS_HIT, 1);
      return this.#close(connection, ReasonCode.topicNameInvalid);
    }
    return this.#topics.intern(buffer, topicStart, topicEnd);
  }

  #hasTooManyLevels(buffer: Buffer, start: number, end: number): boolean {
    let levels = 1;
    for (let at = start; at < end; at += 1) if (buffer[at] === SLASH) levels += 1;
    return levels > this.#limits.maximumTopicLevels;
  }

  #close(connection: Connection, reasonCode: ReasonCode): undefined {
    connection.close(closeReasonFor(reasonCode));
    return undefined;
  }
}
