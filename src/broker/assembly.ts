import { randomInt } from 'node:crypto';
import { METRICS, LOG_EVENTS } from '../telemetry/catalogue.ts';
import { SessionNumbers } from '../placement/sessions.ts';
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
import { placementRetainedStore } from './durability/retained-store.ts';
import { SessionLog } from './durability/session-log.ts';
import { restoreSessions } from './durability/restore-sessions.ts';
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
