import { randomInt } from 'node:crypto';
import { SessionNumbers } from '../placement/sessions.ts';
import { LOG_EVENTS, METRICS } from '../telemetry/catalogue.ts';
import { AccessControl } from './auth/access-control.ts';
import type { BrokerParts } from './broker.ts';
import { ChunkPool } from './connection/chunk-pool.ts';
import { CLOSE_REASONS } from './connection/close-reason.ts';
import type { Connection, PacketHandlers } from './connection/connection.ts';
import type { Traffic } from './connection/outbox.ts';
import { Turn } from './connection/turn.ts';
import { Connections } from './connections.ts';
import { CatchUp } from './delivery/catch-up.ts';
import { Ingest } from './delivery/ingest.ts';
import { LateDelivery } from './delivery/late-delivery.ts';
import { MessageFlow } from './delivery/message-flow.ts';
import { PublishEncoder } from './delivery/publish-encoder.ts';
import { Pusher } from './delivery/pusher.ts';
import { Redelivery } from './delivery/redelivery.ts';
import { RetainedMessages } from './delivery/retained-messages.ts';
import { SharedDelivery } from './delivery/shared-delivery.ts';
import { Checkpoint } from './durability/checkpoint.ts';
import { recoverSessions } from './durability/recovery.ts';
import { restoreSessions } from './durability/restore-sessions.ts';
import { placementRetainedStore } from './durability/retained-store.ts';
import { SessionLog } from './durability/session-log.ts';
import { SessionStore } from './durability/session-store.ts';
import { AckHandler } from './handlers/ack-handler.ts';
import { ConnectHandler } from './handlers/connect-handler.ts';
import { PacketDispatch } from './handlers/packet-dispatch.ts';
import { PublishAdmission } from './handlers/publish-admission.ts';
import { PublishHandler } from './handlers/publish-handler.ts';
import { PublishRun } from './handlers/publish-run.ts';
import { PublishTrace } from './handlers/publish-trace.ts';
import { SessionLifecycle } from './handlers/session-lifecycle.ts';
import { SubscribeHandler } from './handlers/subscribe-handler.ts';
import { TopicRouter } from './handlers/topic-router.ts';
import { WillPublisher } from './handlers/will-publisher.ts';
import { Router } from './router/router.ts';
import { TopicTable } from './router/topic-table.ts';
import type { Session } from './session/session.ts';
import { ShardMap } from './shards.ts';

const TOPICS_REMEMBERED = 65_536;

/** The parts of a running broker that its life is steered by. */
export interface BrokerAssembly {
  readonly connections: Connections;
  readonly lifecycle: SessionLifecycle;
  readonly ingests: readonly Ingest<Connection>[];
  readonly sessionLog: SessionLog;
  readonly catchUp: CatchUp;
  readonly shared: SharedDelivery;
  readonly retained: RetainedMessages;
  readonly checkpoint: Checkpoint;
  readonly shards: ShardMap;
  readonly seconds: { value: number };
  readonly traffic: Traffic;
}

/** What everything else is built on. */
interface Foundation {
  readonly parts: BrokerParts;
  readonly shards: ShardMap;
  readonly ingests: readonly Ingest<Connection>[];
  readonly router: Router<Session>;
  readonly topics: TopicTable<Session, undefined>;
  readonly turn: Turn;
  readonly sessionLog: SessionLog;
  readonly retained: RetainedMessages;
  readonly access: AccessControl;
  readonly store: SessionStore;
}

/**
 * Puts a broker together and brings its sessions back. The order is the message's way; where two parts need each other,
 * the earlier one is given a function.
 */
export async function assemble(parts: BrokerParts): Promise<BrokerAssembly> {
  const { config, placement, journal, clock } = parts;
  const shards = await ShardMap.open(placement, journal, config.node.id, config.topicRules, clock.now());
  const recovered = await recoverSessions({
    placement,
    journal,
    brokerId: config.node.id,
    sessionShard: shards.sessionShard,
    shards: [shards.durable],
  });
  const late: Late = {};
  const foundation = await layFoundation(parts, shards, late);
  const delivery = assembleDelivery(foundation, late);
  const handling = assembleHandling(foundation, delivery, late);
  restoreSessions(recovered, {
    router: foundation.router,
    lifecycle: handling.lifecycle,
    shared: delivery.shared,
    store: foundation.store,
    shards: foundation.ingests,
    limits: { maximumInflight: config.mqtt.maxInflightMessages, receiveMaximum: config.mqtt.receiveMaximum },
    now: clock.now(),
  });
  parts.log.write(LOG_EVENTS.sessionsLoaded, {
    sessions: recovered.sessions.length,
    retained: foundation.retained.count,
  });
  return { ...foundation, ...delivery, ...handling };
}

/** Parts that earlier ones call and that are made later. */
interface Late {
  flow?: MessageFlow;
  publish?: PublishHandler;
  dispatch?: PacketDispatch;
  shared?: SharedDelivery;
  catchUp?: CatchUp;
}

async function layFoundation(parts: BrokerParts, shards: ShardMap, late: Late): Promise<Foundation> {
  const { config, journal, placement, metrics, log, clock, recorder } = parts;
  const turn = new Turn();
  const router = new Router<Session>(groupNumber);
  const topics = new TopicTable<Session, undefined>(TOPICS_REMEMBERED, () => undefined, randomInt(2 ** 32));
  const retained = new RetainedMessages(
    placementRetainedStore(placement),
    metrics,
    config.mqtt.maxRetainedMessages,
    (error) => log.write(LOG_EVENTS.retainedSaveFailed, { error: error as Error }),
  );
  await retained.load();
  const ingests: Ingest<Connection>[] = [];
  for (const shard of [shards.durable, shards.volatile])
    ingests.push(
      new Ingest<Connection>({
        shard,
        end: (await journal.bounds(shard.name)).end,
        journal,
        turn,
        events: {
          onCommit: (...result) => {
            const unanswered = late.flow!.onCommit(...result);
            late.dispatch!.resumeWaiting();
            return unanswered;
          },
          onFailure: (...failure) => {
            late.flow!.onFailure(...failure);
            late.dispatch!.resumeWaiting();
          },
        },
      }),
    );
  const sessionLog = new SessionLog({
    journal,
    shard: shards.sessionShard,
    end: (await journal.bounds(shards.sessionShard)).end,
    turn,
    clock,
    onFailure: (error) =>
      log.write(LOG_EVENTS.journalAppendFailed, { shard: shards.sessionShard, error: error as Error }),
  });
  const access = new AccessControl(parts.authorizer, recorder, clock);
  return {
    parts,
    shards,
    ingests,
    router,
    topics,
    turn,
    sessionLog,
    retained,
    access,
    store: new SessionStore(placement, router, ingests),
  };
}

type Delivery = Pick<BrokerAssembly, 'catchUp' | 'shared'> & { readonly flow: MessageFlow; readonly pusher: Pusher };

function assembleDelivery(foundation: Foundation, late: Late): Delivery {
  const { parts, shards, ingests, router, topics, sessionLog, retained } = foundation;
  const { config, journal, recorder, metrics, log, clock } = parts;
  const encoder = new PublishEncoder(config.telemetry.propagation);
  const pusher = new Pusher({
    encoder,
    recorder,
    metrics,
    sessionLog,
    shared: () => late.shared!,
    clock,
    onBehind: (session) => late.catchUp!.wake(session),
  });
  const lateDelivery = new LateDelivery({
    pusher,
    retained,
    topics,
    recorder,
    metrics,
    clock,
    linkAfterMs: config.telemetry.linkAfterMs,
  });
  const common = { journal, topics, late: lateDelivery, metrics, clock };
  const onReadFailure = (error: unknown): void => log.write(LOG_EVENTS.connectionBroken, { error: error as Error });
  const shared = new SharedDelivery({ ...common, router, pusher, shards: ingests, onFailure: onReadFailure });
  const redelivery = new Redelivery({
    ...common,
    shardName: (number) => ingests.find(({ shard }) => shard.number === number)?.shard.name,
    encoder,
    router,
    sessionLog,
    recorder,
  });
  const catchUp = new CatchUp({
    ...common,
    router,
    redelivery,
    shards: ingests,
    onFailure: (error, session) => {
      onReadFailure(error);
      session.receiver?.close(CLOSE_REASONS.serverError);
    },
  });
  const topicRouter = new TopicRouter(
    shards,
    new Map(ingests.map((ingest) => [ingest.shard.number, ingest])),
    recorder,
    clock,
  );
  const flow = new MessageFlow({
    router,
    pusher,
    retained,
    recorder,
    clock,
    ingestOf: (topic, span) => topicRouter.ingestOf(topic, span),
    answers: () => late.publish!,
    onStorageFailure: (error, records) => log.write(LOG_EVENTS.journalAppendFailed, { records, error: error as Error }),
  });
  Object.assign(late, { flow, shared, catchUp });
  return { flow, pusher, catchUp, shared };
}

type Handling = Pick<BrokerAssembly, 'connections' | 'lifecycle' | 'checkpoint' | 'seconds' | 'traffic'>;

function assembleHandling(foundation: Foundation, delivery: Delivery, late: Late): Handling {
  const { parts, shards, ingests, router, topics, sessionLog, store } = foundation;
  const { config, recorder, clock, placement, journal } = parts;
  const { catchUp, shared } = delivery;
  const seconds = { value: 0 };
  const traffic: Traffic = { received: 0, sent: 0 };
  const lifecycle = new SessionLifecycle({
    router,
    store,
    shared,
    catchUp,
    wills: new WillPublisher(() => delivery.flow, topics, recorder, clock),
    recorder,
    clock,
    shards: ingests,
    limits: {
      maximumInflight: config.mqtt.maxInflightMessages,
      receiveMaximum: config.mqtt.receiveMaximum,
      expiryMaximumSeconds: config.mqtt.sessionExpiryMaximumSeconds,
      expiryForV3Seconds: config.mqtt.sessionExpiryForV3Seconds,
    },
    onStoreFailure: (error) => parts.log.write(LOG_EVENTS.sessionSaveFailed, { error: error as Error }),
  });
  let connections: Connections | undefined;
  const publish = createPublishHandler(foundation, delivery, () => connections!.count);
  const dispatch = createDispatch(foundation, delivery, lifecycle, publish, (connection) =>
    connections!.forget(connection),
  );
  Object.assign(late, { publish, dispatch });
  connections = createConnections(foundation, dispatch, seconds, traffic);
  const checkpoint = new Checkpoint({
    brokerId: config.node.id,
    placement,
    journal,
    sessionShard: shards.sessionShard,
    sessionLog,
    store,
    shared,
    sessions: () => lifecycle.sessions.values(),
    shards: ingests,
  });
  observe(foundation, connections, lifecycle);
  return { connections, lifecycle, checkpoint, seconds, traffic };
}

function createPublishHandler(
  foundation: Foundation,
  delivery: Delivery,
  connectionCount: () => number,
): PublishHandler {
  const { parts, ingests, router, topics, access } = foundation;
  const { config, recorder, metrics, clock } = parts;
  const admission = new PublishAdmission(topics, access, metrics, {
    maximumQos: config.mqtt.maxQos,
    retainAvailable: config.mqtt.retainAvailable,
    topicAliasMaximum: config.mqtt.topicAliasMaximum,
    maximumTopicLevels: config.mqtt.maxTopicLevels,
    maximumTopicBytes: config.mqtt.maxTopicBytes,
  });
  const identity = {
    cluster: config.cluster.name,
    brokerId: config.node.id,
    connectionCount,
    queueDepth: () => ingests.reduce((sum, ingest) => sum + ingest.queueDepth, 0),
  };
  return new PublishHandler({
    admission,
    run: new PublishRun(router, topics, delivery.pusher, metrics),
    trace: new PublishTrace(recorder, identity, () => clock.now()),
    flow: delivery.flow,
    metrics,
    clock,
    receiveMaximum: config.mqtt.receiveMaximum,
  });
}

function createDispatch(
  foundation: Foundation,
  delivery: Delivery,
  lifecycle: SessionLifecycle,
  publish: PublishHandler,
  onClosed: (connection: Connection) => void,
): PacketDispatch {
  const { parts, ingests, router, sessionLog, retained, access } = foundation;
  const { config, recorder, metrics, clock, log } = parts;
  const { mqtt } = config;
  const { catchUp, shared } = delivery;
  const common = { recorder, metrics, clock };
  const onFailure = (error: unknown): void => log.write(LOG_EVENTS.connectionBroken, { error: error as Error });
  const connect = new ConnectHandler({
    ...common,
    authenticators: parts.authenticators,
    access,
    lifecycle,
    numbers: new SessionNumbers(parts.placement),
    capabilities: {
      receiveMaximum: mqtt.receiveMaximum,
      maximumQos: mqtt.maxQos,
      retainAvailable: mqtt.retainAvailable,
      maximumPacketSize: mqtt.maxPacketSizeBytes,
      topicAliasMaximum: mqtt.topicAliasMaximum,
      wildcardSubscriptionAvailable: mqtt.wildcardSubscriptionAvailable,
      subscriptionIdentifierAvailable: mqtt.subscriptionIdentifierAvailable,
      sharedSubscriptionAvailable: mqtt.sharedSubscriptionAvailable,
      keepAliveMaximumSeconds: mqtt.keepAliveMaximumSeconds,
    },
    identity: { cluster: config.cluster.name, brokerId: config.node.id },
    onFailure,
  });
  const subscribe = new SubscribeHandler({
    ...common,
    router,
    lifecycle,
    access,
    retained,
    catchUp,
    shards: ingests,
    limits: {
      maximumQos: mqtt.maxQos,
      wildcardAvailable: mqtt.wildcardSubscriptionAvailable,
      sharedAvailable: mqtt.sharedSubscriptionAvailable,
      identifierAvailable: mqtt.subscriptionIdentifierAvailable,
      maximumSubscriptions: mqtt.maxSubscriptionsPerClient,
      maximumTopicLevels: mqtt.maxTopicLevels,
      maximumTopicBytes: mqtt.maxTopicBytes,
    },
    onFailure,
  });
  const acks = new AckHandler({
    ...common,
    sessionLog,
    catchUp,
    shared,
  });
  return new PacketDispatch({
    ...common,
    connect,
    publish,
    acks,
    subscribe,
    lifecycle,
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
  const limits = { maximumPacketSize: mqtt.maxPacketSizeBytes, maximumQueuedBytes: mqtt.maxQueuedBytes };
  return new Connections(
    { handlers, limits, pool: new ChunkPool(), turn, traffic, seconds },
    parts.metrics,
    parts.clock,
    { maximum: mqtt.maxConnections, connectTimeoutMs: mqtt.connectTimeoutMs },
  );
}

/** What can be read off at a scrape. */
function observe({ parts, router, retained }: Foundation, connections: Connections, lifecycle: SessionLifecycle): void {
  const { metrics } = parts;
  metrics.gauge(METRICS.connections, () => connections.count);
  metrics.gauge(METRICS.sessions, () => lifecycle.sessions.size);
  metrics.gauge(METRICS.subscriptions, () => router.subscriptionCount);
  metrics.gauge(METRICS.retainedMessages, () => retained.count);
  metrics.gauge(METRICS.inflightMessages, () => {
    let count = 0;
    for (const { window } of lifecycle.sessions.values()) count += window.count;
    return count;
  });
}

/** The number by which session logs know a shared group: the same after every restart (FNV-1a, never 0). */
function groupNumber(filter: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(filter)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0 || 1;
}
