import { copyForwardedProperties } from '../../mqtt/forwarded-properties.ts';
import { writeMounted } from '../../mqtt/mount-point.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { validateTopicName } from '../../mqtt/topic.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { type CounterId, counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN } from '../../telemetry/recorder.ts';
import type { AccessControl } from '../auth/access-control.ts';
import { closeReasonFor } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import type { BrokerTopic, Message } from '../delivery/message.ts';
import { NO_EXPIRY_SECONDS } from '../delivery/message.ts';
import type { TopicLimits } from '../limits/topic-limits.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Session } from '../session/session.ts';

const QOS_HIT = counterId(METRICS.limitsHitTotal, 'qos');
const RETAIN_HIT = counterId(METRICS.limitsHitTotal, 'retain');
const TOPIC_ALIAS_HIT = counterId(METRICS.limitsHitTotal, 'topic_alias');

export interface PublishLimits {
  readonly retainAvailable: boolean;
  readonly topicAliasMaximum: number;
  readonly topics: TopicLimits;
}

/** Whether a PUBLISH is taken at all: its topic, its alias, what the broker offers, what the client may do. */
export class PublishAdmission {
  readonly #topics: TopicTable<Session, undefined>;
  readonly #access: AccessControl;
  readonly #metrics: Metrics;
  readonly #limits: PublishLimits;
  /** A topic with its mount point, neither of which is longer than a topic may be. */
  readonly #mounted = Buffer.allocUnsafeSlow(2 * 64 * 1024);
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
    if (view.qos > connection.limits.maximumQos) return this.#close(connection, ReasonCode.qosNotSupported, QOS_HIT);
    if (view.retain && !limits.retainAvailable)
      return this.#close(connection, ReasonCode.retainNotSupported, RETAIN_HIT);
    if (view.topicAlias === 0) return this.#named(connection, buffer, view);
    // [MQTT-3.3.2-9]
    if (view.topicAlias > limits.topicAliasMaximum)
      return this.#close(connection, ReasonCode.topicAliasInvalid, TOPIC_ALIAS_HIT);
    if (view.topicEnd === view.topicStart)
      return connection.topicAliases[view.topicAlias] ?? this.#close(connection, ReasonCode.protocolError);
    const topic = this.#named(connection, buffer, view);
    connection.topicAliases[view.topicAlias] = topic;
    return topic;
  }

  /** The connection published to the same topic before, and the answer (`lastDecision`) still holds. */
  isDecided(connection: Connection, topic: BrokerTopic): boolean {
    return connection.lastTopic === topic && connection.lastAccessVersion === this.#access.version;
  }

  /** Whether it may publish; remembered with the connection. */
  decide(connection: Connection, topic: BrokerTopic): boolean {
    const { rule } = connection.lastDecision;
    const decision = this.#access.decide(connection, 'publish', topic.name, NO_SPAN);
    connection.lastDecision = decision;
    connection.lastTopic = topic;
    connection.lastAccessVersion = this.#access.version;
    if (decision.rule !== rule) connection.lastRule.tracePosition = 0;
    return decision.allowed;
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

  #named(connection: Connection, buffer: Buffer, { topicStart, topicEnd }: PublishView): BrokerTopic | undefined {
    if (connection.mountPoint === '') return this.#topicAt(connection, buffer, topicStart, topicEnd);
    // A name that is not empty, as here, is as well formed with the mount point as without it.
    const length = writeMounted(connection.mountPoint, buffer, topicStart, topicEnd, this.#mounted);
    return this.#topicAt(connection, this.#mounted, 0, length);
  }

  #topicAt(connection: Connection, buffer: Buffer, topicStart: number, topicEnd: number): BrokerTopic | undefined {
    const known = this.#topics.lookup(buffer, topicStart, topicEnd);
    if (known !== undefined) return known;
    const failure = validateTopicName(buffer, topicStart, topicEnd);
    if (failure !== ReasonCode.success) return this.#close(connection, failure);
    if (!this.#limits.topics.allow(buffer, topicStart, topicEnd))
      return this.#close(connection, ReasonCode.topicNameInvalid);
    return this.#topics.intern(buffer, topicStart, topicEnd);
  }

  #close(connection: Connection, reasonCode: ReasonCode, limitHit?: CounterId): undefined {
    if (limitHit !== undefined) this.#metrics.add(limitHit, 1);
    connection.close(closeReasonFor(reasonCode));
    return undefined;
  }
}
