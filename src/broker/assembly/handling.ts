import { SessionNumbers } from '../../placement/sessions.ts';
import { LOG_EVENTS, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { Login } from '../auth/login.ts';
import { LoginGuard } from '../auth/login-guard.ts';
import { ChunkPool } from '../connection/chunk-pool.ts';
import type { Connection, PacketHandlers } from '../connection/connection.ts';
import type { Traffic } from '../connection/outbox.ts';
import { Connections } from '../connections.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import { Drain } from '../drain.ts';
import { Checkpoint } from '../durability/checkpoint.ts';
import { AckHandler } from '../handlers/ack-handler.ts';
import { AuthTrace } from '../handlers/auth-trace.ts';
import { ConnectHandler } from '../handlers/connect-handler.ts';
import { EnhancedAuthentication } from '../handlers/enhanced-authentication.ts';
import { PacketDispatch } from '../handlers/packet-dispatch.ts';
import { PublishAdmission } from '../handlers/publish-admission.ts';
import { PublishHandler } from '../handlers/publish-handler.ts';
import { PublishRun } from '../handlers/publish-run.ts';
import { PublishTrace } from '../handlers/publish-trace.ts';
import { SessionLifecycle } from '../handlers/session-lifecycle.ts';
import { SubscribeHandler } from '../handlers/subscribe-handler.ts';
import { SubscriptionRights } from '../handlers/subscription-rights.ts';
import { WillAdmission } from '../handlers/will-admission.ts';
import { WillPublisher } from '../handlers/will-publisher.ts';
import { LIVE, type Session } from '../session/session.ts';
import type { Delivery } from './delivery.ts';
import type { Foundation, Late } from './foundation.ts';

/** Clients, their packets and their sessions. */
export interface Handling {
  readonly connections: Connections;
  readonly lifecycle: SessionLifecycle;
  readonly rights: SubscriptionRights;
  readonly acks: AckHandler;
  readonly enhanced: EnhancedAuthentication;
  readonly loginGuard: LoginGuard;
  readonly drain: Drain;
  readonly checkpoint: Checkpoint;
  readonly seconds: { value: number };
}

export function assembleHandling(foundation: Foundation, delivery: Delivery, late: Late): Handling {
  const { parts, shards, ingests, router, topics, sessionLog, store } = foundation;
  const { config, recording, metrics, clock, placement, journal } = parts;
  const recorder = recording.spans;
  const { catchUp, shared } = delivery;
  const seconds = { value: 0 };
  const traffic: Traffic = { received: 0, sent: 0, blocked: new Set() };
  const lifecycle = new SessionLifecycle({
    router,
    store,
    sessionLog,
    shared,
    catchUp,
    wills: new WillPublisher(() => delivery.flow, topics, recording, clock),
    pushes: recording.pushes,
    clock,
    shards: ingests,
    limits: {
      maximumInflight: config.mqtt.maxInflightMessages,
      expiryMaximumSeconds: config.mqtt.sessionExpiryMaximumSeconds,
      expiryForV3Seconds: config.mqtt.sessionExpiryForV3Seconds,
    },
    onStoreFailure: (error) => parts.log.write(LOG_EVENTS.sessionSaveFailed, { error: error as Error }),
  });
  const { sessions } = lifecycle;
  const { access } = foundation;
  const rights = new SubscriptionRights({ ...parts, router, access, sessions, shards: ingests });
  access.onChange(() => rights.rulesChanged());
  let connections: Connections | undefined;
  const publish = createPublishHandler(foundation, delivery, () => connections!.count);
  const acks = new AckHandler({ recording, metrics, clock, sessionLog, catchUp, shared });
  const loginGuard = new LoginGuard(config.authentication, metrics, clock);
  const enhanced = new EnhancedAuthentication({
    authenticators: parts.enhanced,
    guard: loginGuard,
    trace: new AuthTrace({ recorder, metrics, clock }),
    clock,
    timeoutMs: config.mqtt.connectTimeoutMs,
  });
  const drain = new Drain(() => connections!, clock, parts.log);
  const handlers = { lifecycle, rights, publish, acks, enhanced, loginGuard, drain };
  const dispatch = createDispatch(foundation, handlers, (connection) => connections!.forget(connection));
  Object.assign(late, { publish, dispatch, connectionCount: () => connections!.count });
  connections = createConnections(foundation, dispatch, seconds, traffic);
  const checkpoint = new Checkpoint({
    brokerId: config.node.id,
    placement,
    journal,
    sessionShard: shards.sessionShard,
    sessionLog,
    store,
    shared,
    sessions,
    shards: ingests,
    metrics,
    clock,
  });
  observe(foundation, connections, dispatch, lifecycle, traffic);
  return { connections, lifecycle, rights, acks, enhanced, loginGuard, drain, checkpoint, seconds };
}

function createPublishHandler(
  foundation: Foundation,
  delivery: Delivery,
  connectionCount: () => number,
): PublishHandler {
  const { parts, ingests, router, topics, access, topicLimits } = foundation;
  const { config, recording, metrics, clock } = parts;
  const admission = new PublishAdmission(topics, access, metrics, {
    retainAvailable: config.mqtt.retainAvailable,
    topicAliasMaximum: config.mqtt.topicAliasMaximum,
    topics: topicLimits,
  });
  const load = {
    connectionCount,
    queueDepth: () => ingests.reduce((sum, ingest) => sum + ingest.queueDepth, 0),
  };
  const trace = new PublishTrace(recording, load, config.telemetry.sampling.maxForcedPerSecond);
  return new PublishHandler({
    admission,
    run: new PublishRun({ router, topics, pusher: delivery.pusher, metrics, recording, trace, load, clock }),
    trace,
    flow: delivery.flow,
    metrics,
    clock,
    receiveMaximum: config.mqtt.receiveMaximum,
  });
}

function createDispatch(
  foundation: Foundation,
  handlers: Pick<Handling, 'lifecycle' | 'rights' | 'acks' | 'enhanced' | 'loginGuard' | 'drain'> & {
    readonly publish: PublishHandler;
  },
  onClosed: (connection: Connection) => void,
): PacketDispatch {
  const { parts, ingests, router, sessionLog, retained, access, topicLimits } = foundation;
  const { config, recording, metrics, clock, log } = parts;
  const recorder = recording.spans;
  const { mqtt } = config;
  const { lifecycle } = handlers;
  const common = { recorder, metrics, log, clock };
  const connect = new ConnectHandler({
    ...common,
    login: new Login({ ...common, authenticators: parts.authenticators, guard: handlers.loginGuard }),
    enhanced: handlers.enhanced,
    drain: handlers.drain,
    access,
    lifecycle,
    rights: handlers.rights,
    numbers: new SessionNumbers(parts.placement),
    wills: new WillAdmission(topicLimits, mqtt.retainAvailable, metrics),
    capabilities: {
      receiveMaximum: mqtt.receiveMaximum,
      retainAvailable: mqtt.retainAvailable,
      topicAliasMaximum: mqtt.topicAliasMaximum,
      topicAliasMaximumToClient: mqtt.topicAliasMaximumToClient,
      wildcardSubscriptionAvailable: mqtt.wildcardSubscriptionAvailable,
      subscriptionIdentifierAvailable: mqtt.subscriptionIdentifierAvailable,
      sharedSubscriptionAvailable: mqtt.sharedSubscriptionAvailable,
      keepAliveMaximumSeconds: mqtt.keepAliveMaximumSeconds,
      responseInformation: mqtt.responseInformation,
    },
    identity: { cluster: config.cluster.name, brokerId: config.node.id },
  });
  const subscribe = new SubscribeHandler({
    ...common,
    router,
    lifecycle,
    access,
    retained,
    shards: ingests,
    limits: {
      wildcardAvailable: mqtt.wildcardSubscriptionAvailable,
      sharedAvailable: mqtt.sharedSubscriptionAvailable,
      identifierAvailable: mqtt.subscriptionIdentifierAvailable,
      maximumSubscriptions: mqtt.maxSubscriptionsPerClient,
      topics: topicLimits,
    },
  });
  return new PacketDispatch({
    ...common,
    ...handlers,
    connect,
    subscribe,
    expiryMaximumSeconds: mqtt.sessionExpiryMaximumSeconds,
    isOverloaded: () => sessionLog.saturated || ingests.some((ingest) => ingest.saturated),
    onClosed,
  });
}

function createConnections(
  foundation: Foundation,
  handlers: PacketHandlers,
  seconds: { value: number },
  traffic: Traffic,
): Connections {
  const { parts, turn } = foundation;
  const { mqtt } = parts.config;
  const shared = { handlers, pool: new ChunkPool(), turn, traffic, seconds };
  return new Connections(shared, parts.metrics, parts.clock, mqtt);
}

/** What can be read off at a scrape. */
function observe(
  { parts, router, retained, ingests, sessionLog }: Foundation,
  connections: Connections,
  dispatch: PacketDispatch,
  lifecycle: SessionLifecycle,
  traffic: Traffic,
): void {
  const { metrics } = parts;
  metrics.gauge(METRICS.connections, () => connections.count);
  metrics.gauge(METRICS.connectionsPaused, () => dispatch.waitingCount);
  metrics.gauge(METRICS.connectionsBlocked, () => traffic.blocked.size);
  metrics.gauge(METRICS.outboundQueueBytes, () => {
    let bytes = 0;
    for (const { pendingBytes } of traffic.blocked) bytes += pendingBytes;
    return bytes;
  });
  metrics.counted(counterId(METRICS.bytesReceivedTotal), () => traffic.received);
  metrics.counted(counterId(METRICS.bytesSentTotal), () => traffic.sent);
  metrics.gauge(METRICS.ingestQueueRecords, () =>
    ingests.map(({ shard, queueDepth }) => [shard.name, queueDepth] as const),
  );
  metrics.gauge(METRICS.ingestQueueBytes, () =>
    ingests.map(({ shard, queueBytes }) => [shard.name, queueBytes] as const),
  );
  metrics.gauge(METRICS.sessionLogQueueBytes, () => sessionLog.queueBytes);
  metrics.gauge(METRICS.sessions, () => lifecycle.sessions.size);
  metrics.counted(counterId(METRICS.sessionsExpiredTotal), () => lifecycle.expiredCount);
  metrics.gauge(METRICS.subscriptions, () => router.subscriptionCount);
  metrics.gauge(METRICS.retainedMessages, () => retained.count);
  metrics.gauge(METRICS.inflightMessages, () => {
    let count = 0;
    for (const { window } of lifecycle.sessions.values()) count += window.count;
    return count;
  });
  metrics.gauge(METRICS.journalLagRecords, () =>
    ingests.map((ingest) => [ingest.shard.name, lagOf(ingest, lifecycle.sessions.values())] as const),
  );
}

/** How far the connected session that has read least is behind what has been dispatched. */
function lagOf({ shard, dispatchedEnd }: ShardProgress, sessions: Iterable<Session>): number {
  let lag = 0;
  for (const { positions, receiver } of sessions) {
    const position = positions[shard.number] ?? LIVE;
    if (receiver !== undefined && position !== LIVE) lag = Math.max(lag, dispatchedEnd - position);
  }
  return lag;
}
