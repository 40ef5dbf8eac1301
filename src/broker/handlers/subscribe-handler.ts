import type { Clock } from '../../base/clock.ts';
import { mountFilter } from '../../mqtt/mount-point.ts';
import type {
  SubackPacket,
  SubscribePacket,
  Subscription as SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { reasonStringOfFirst } from '../../mqtt/reason-string.ts';
import { type ParsedFilter, parseSharedFilter } from '../../mqtt/topic.ts';
import { ATTRIBUTES, LOG_EVENTS, METRICS, SPANS, type SpanDefinition } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import { type CounterId, counterId, type Metrics } from '../../telemetry/metrics.ts';
import { type OperationMetrics, operationMetrics, recordOperation } from '../../telemetry/operation.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { AccessControl } from '../auth/access-control.ts';
import { encodeAnswer } from '../connection/answer.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { RetainedMessages } from '../delivery/retained-messages.ts';
import type { TopicLimits } from '../limits/topic-limits.ts';
import type { Router } from '../router/router.ts';
import type { Session } from '../session/session.ts';
import { inSlices } from './in-slices.ts';
import type { SessionLifecycle } from './session-lifecycle.ts';
import { contextOf } from './span-context.ts';

const FIRST_FAILURE = 0x80;
/** Of one packet, those that its trace tells of, with the decision on each. */
const TRACED_FILTERS = 128;
const SUBSCRIBE = { operation: operationMetrics('subscribe'), span: SPANS.mqttSubscribe };
const UNSUBSCRIBE = { operation: operationMetrics('unsubscribe'), span: SPANS.mqttUnsubscribe };
const SUBSCRIPTIONS_HIT = counterId(METRICS.limitsHitTotal, 'subscriptions');
const WILDCARDS_HIT = counterId(METRICS.limitsHitTotal, 'wildcard_subscriptions');
const SHARED_HIT = counterId(METRICS.limitsHitTotal, 'shared_subscriptions');
const IDENTIFIERS_HIT = counterId(METRICS.limitsHitTotal, 'subscription_identifiers');

export interface SubscribeLimits {
  readonly wildcardAvailable: boolean;
  readonly sharedAvailable: boolean;
  readonly identifierAvailable: boolean;
  readonly maximumSubscriptions: number;
  readonly topics: TopicLimits;
}

/** A packet that is being answered. */
interface Request {
  readonly kind: RequestKind;
  readonly span: SpanHandle;
  readonly startedAt: number;
}

interface RequestKind {
  readonly operation: OperationMetrics;
  readonly span: SpanDefinition;
}

/** SUBSCRIBE and UNSUBSCRIBE: effective at once, acknowledged when a persistent session's change is durable. */
export class SubscribeHandler {
  readonly #router: Router<Session>;
  readonly #lifecycle: SessionLifecycle;
  readonly #access: AccessControl;
  readonly #retained: RetainedMessages;
  readonly #shards: readonly ShardProgress[];
  readonly #limits: SubscribeLimits;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(parts: {
    router: Router<Session>;
    lifecycle: SessionLifecycle;
    access: AccessControl;
    retained: RetainedMessages;
    shards: readonly ShardProgress[];
    limits: SubscribeLimits;
    recorder: Recorder;
    metrics: Metrics;
    clock: Clock;
    log: Log;
  }) {
    this.#router = parts.router;
    this.#lifecycle = parts.lifecycle;
    this.#access = parts.access;
    this.#retained = parts.retained;
    this.#shards = parts.shards;
    this.#limits = parts.limits;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  subscribe(connection: Connection, packet: SubscribePacket): void {
    const session = connection.session!;
    const { subscriptions, packetId } = packet;
    const request = this.#begin(SUBSCRIBE, connection, packetId, subscriptions.length, (index) =>
      mountFilter(connection.mountPoint, subscriptions[index]!.filter),
    );
    const identifier = packet.properties.subscriptionIdentifier ?? 0;
    const owed: string[] = [];
    const reasonCodes: ReasonCode[] = [];
    inSlices(connection, subscriptions.length, {
      each: (index) => {
        const filter = mountFilter(connection.mountPoint, subscriptions[index]!.filter);
        const span = index < TRACED_FILTERS ? request.span : NO_SPAN;
        const asked = { ...subscriptions[index]!, filter };
        const { reasonCode, sendRetained } = this.#add(connection, session, asked, identifier, span);
        reasonCodes.push(reasonCode);
        if (sendRetained) owed.push(filter);
      },
      done: () => {
        const succeeded = !reasonCodes.some((reasonCode) => reasonCode >= FIRST_FAILURE);
        if (!succeeded) this.#noteRefusals(request.span, reasonCodes);
        this.#answer(connection, session, request, succeeded, () => {
          sendCodes(connection, { type: 'suback', packetId, reasonCodes, properties: {} });
          this.#oweRetained(session, owed);
          this.#lifecycle.serve(session);
        });
      },
      abandoned: () => this.#abandon(request),
    });
  }

  unsubscribe(connection: Connection, packet: UnsubscribePacket): void {
    const session = connection.session!;
    const { filters, packetId } = packet;
    const mounted = (index: number): string => mountFilter(connection.mountPoint, filters[index]!);
    const request = this.#begin(UNSUBSCRIBE, connection, packetId, filters.length, mounted);
    const left = new Set<string>();
    const reasonCodes: ReasonCode[] = [];
    inSlices(connection, filters.length, {
      each: (index) => {
        const filter = mounted(index);
        const wasThere = this.#forget(session, filter);
        if (wasThere) left.add(filter);
        reasonCodes.push(wasThere ? ReasonCode.success : ReasonCode.noSubscriptionExisted);
      },
      done: () => {
        session.owedRetained = session.owedRetained.filter(({ subscription }) => !left.has(subscription.filter));
        this.#answer(connection, session, request, true, () => {
          sendCodes(connection, { type: 'unsuback', packetId, reasonCodes, properties: {} });
        });
      },
      abandoned: () => this.#abandon(request),
    });
  }

  #add(
    connection: Connection,
    session: Session,
    request: SubscriptionRequest,
    identifier: number,
    span: SpanHandle,
  ): { readonly reasonCode: ReasonCode; readonly sendRetained: boolean } {
    // Before all that costs more: a packet may bring any number of them.
    if (this.#isBeyondQuota(session, request.filter))
      return { reasonCode: this.#limitHit(SUBSCRIPTIONS_HIT, ReasonCode.quotaExceeded), sendRetained: false };
    const parsed = parseSharedFilter(request.filter);
    const refusal = this.#refusal(connection, request, parsed, identifier, span);
    if (refusal !== undefined) {
      // Or the client would go on to get by an older one what it has just been told it may not have.
      if (refusal === ReasonCode.notAuthorized) this.#forget(session, request.filter);
      return { reasonCode: refusal, sendRetained: false };
    }
    session.withheld.delete(request.filter);
    const qos = Math.min(request.qos, connection.limits.maximumQos) as 0 | 1 | 2;
    // A repeated subscription keeps what it has not yet delivered.
    const since =
      this.#router.find(session, request.filter)?.since ??
      this.#shards.map(({ shard, dispatchedEnd }) => [shard.number, dispatchedEnd] as const);
    const { noLocal, retainAsPublished, retainHandling } = request;
    const isNew = this.#router.subscribe(session, request.filter, {
      qos,
      noLocal,
      retainAsPublished,
      identifier,
      since,
    });
    return {
      reasonCode: qos,
      // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; never for shared ones (section 4.8.2).
      sendRetained: parsed.type === 'plain' && (retainHandling === 0 || (retainHandling === 1 && isNew)),
    };
  }

  #refusal(
    connection: Connection,
    { filter }: SubscriptionRequest,
    parsed: ParsedFilter,
    identifier: number,
    span: SpanHandle,
  ): ReasonCode | undefined {
    const limits = this.#limits;
    if (parsed.type === 'invalid') return ReasonCode.topicFilterInvalid;
    if (parsed.type === 'shared' && !limits.sharedAvailable)
      return this.#limitHit(SHARED_HIT, ReasonCode.sharedSubscriptionsNotSupported);
    if (identifier !== 0 && !limits.identifierAvailable)
      return this.#limitHit(IDENTIFIERS_HIT, ReasonCode.subscriptionIdentifiersNotSupported);
    if (!limits.wildcardAvailable && /[+#]/.test(parsed.filter))
      return this.#limitHit(WILDCARDS_HIT, ReasonCode.wildcardSubscriptionsNotSupported);
    if (!limits.topics.allow(Buffer.from(parsed.filter))) return ReasonCode.topicFilterInvalid;
    return this.#access.decide(connection, 'subscribe', filter, span).allowed ? undefined : ReasonCode.notAuthorized;
  }

  /** One that the session has, withheld or not, may always be changed. */
  #isBeyondQuota(session: Session, filter: string): boolean {
    if (this.#router.countOf(session) + session.withheld.size < this.#limits.maximumSubscriptions) return false;
    return this.#router.find(session, filter) === undefined && !session.withheld.has(filter);
  }

  /** Whether there was such a subscription. */
  #forget(session: Session, filter: string): boolean {
    const wasWithheld = session.withheld.delete(filter);
    return this.#router.unsubscribe(session, filter) || wasWithheld;
  }

  #limitHit(limit: CounterId, reasonCode: ReasonCode): ReasonCode {
    this.#metrics.add(limit, 1);
    return reasonCode;
  }

  /** Those of a packet at once: it may bring any number. */
  #oweRetained(session: Session, filters: readonly string[]): void {
    const asked = new Set(filters);
    const others = session.owedRetained.filter(({ subscription }) => !asked.has(subscription.filter));
    const owed = [...asked].flatMap((filter) => {
      const subscription = this.#router.find(session, filter);
      if (subscription === undefined) return [];
      return [{ subscription, topics: this.#retained.matching(filter), waiting: undefined }];
    });
    session.owedRetained = [...others, ...owed];
  }

  /** Says it only when it is durable: an acknowledged subscription survives the broker. */
  #answer(connection: Connection, session: Session, request: Request, succeeded: boolean, send: () => void): void {
    if (!session.persistent) {
      send();
      this.#finish(request, succeeded);
      return;
    }
    const { span } = request;
    this.#lifecycle.save(session, contextOf(this.#recorder, span)).then(
      () => {
        if (!connection.closed) send();
        this.#finish(request, succeeded);
      },
      (error: unknown) => {
        this.#recorder.fail(span, 'storage_failed', 'the subscription could not be stored', error);
        this.#log.write(LOG_EVENTS.connectionBroken, { error: error as Error }, contextOf(this.#recorder, span));
        this.#finish(request, false);
        connection.close(CLOSE_REASONS.serverError);
      },
    );
  }

  /** What was done of it counts, as with any packet that is not answered. */
  #abandon(request: Request): void {
    this.#recorder.fail(request.span, 'disconnected', 'the connection ended before all filters were handled');
    this.#finish(request, false);
  }

  #finish({ kind, span, startedAt }: Request, succeeded: boolean): void {
    const now = this.#clock.now();
    recordOperation(this.#metrics, this.#recorder, kind.operation, span, startedAt, now, succeeded);
    this.#recorder.end(span, now);
  }

  /** `filterAt`: the filters of the packet, of which only as many are asked for as the span tells. */
  #begin(
    kind: RequestKind,
    connection: Connection,
    packetId: number,
    count: number,
    filterAt: (index: number) => string,
  ): Request {
    const startedAt = this.#clock.now();
    const span = this.#recorder.root(kind.span, startedAt, connection);
    const request = { kind, span, startedAt };
    if (span === NO_SPAN) return request;
    const told = Array.from({ length: Math.min(count, TRACED_FILTERS) }, (_, index) => filterAt(index));
    this.#recorder.attribute(span, ATTRIBUTES.mqttClientId, connection.session!.clientId);
    this.#recorder.attribute(span, ATTRIBUTES.mqttTopics, told);
    if (told.length < count) this.#recorder.attribute(span, ATTRIBUTES.mqttTopicCount, count);
    this.#recorder.attribute(span, ATTRIBUTES.mqttPacketId, packetId);
    this.#recorder.attribute(span, ATTRIBUTES.robustmqSessionId, String(connection.session!.number));
    this.#access.traceIdentity(connection, span);
    return request;
  }

  #noteRefusals(span: SpanHandle, reasonCodes: readonly ReasonCode[]): void {
    const refused = reasonCodes.filter((reasonCode) => reasonCode >= FIRST_FAILURE);
    this.#recorder.attribute(span, ATTRIBUTES.mqttReasonCode, refused[0]!);
    this.#recorder.fail(
      span,
      `mqtt_0x${refused[0]!.toString(16)}`,
      `${refused.length} of ${reasonCodes.length} filters refused`,
    );
  }
}

/** One that is too large for the client is not sent [MQTT-3.1.2-24]. */
function sendCodes(connection: Connection, answer: SubackPacket | UnsubackPacket): void {
  const bytes = encodeAnswer(answer, reasonStringOfFirst(answer.reasonCodes), connection);
  if (bytes !== undefined) connection.send(bytes);
}
