import { randomInt } from 'node:crypto';
import { LOG_EVENTS } from '../../telemetry/catalogue.ts';
import type { AccessControl } from '../auth/access-control.ts';
import type { Connection } from '../connection/connection.ts';
import { Turn } from '../connection/turn.ts';
import type { CatchUp } from '../delivery/catch-up.ts';
import { Ingest } from '../delivery/ingest.ts';
import type { MessageFlow } from '../delivery/message-flow.ts';
import { RetainedMessages } from '../delivery/retained-messages.ts';
import type { SharedDelivery } from '../delivery/shared-delivery.ts';
import { placementRetainedStore } from '../durability/retained-store.ts';
import { SessionLog } from '../durability/session-log.ts';
import { SessionStore } from '../durability/session-store.ts';
import type { PacketDispatch } from '../handlers/packet-dispatch.ts';
import type { PublishHandler } from '../handlers/publish-handler.ts';
import { TopicLimits } from '../limits/topic-limits.ts';
import { Router } from '../router/router.ts';
import { numberOfGroup } from '../router/subscription-number.ts';
import { TopicTable } from '../router/topic-table.ts';
import type { Session } from '../session/session.ts';
import type { ShardMap } from '../shards.ts';
import type { BrokerParts } from './broker-parts.ts';

const TOPICS_REMEMBERED = 65_536;
/** A client may choose names of 64 KiB each: these bound what it can make the broker remember. */
const TOPIC_BYTES_REMEMBERED = 8 * 1024 * 1024;

/** What everything else is built on. */
export interface Foundation {
  readonly parts: BrokerParts;
  readonly shards: ShardMap;
  readonly ingests: readonly Ingest<Connection>[];
  readonly router: Router<Session>;
  readonly topics: TopicTable<Session, undefined>;
  readonly turn: Turn;
  readonly sessionLog: SessionLog;
  readonly retained: RetainedMessages;
  readonly access: AccessControl;
  readonly topicLimits: TopicLimits;
  readonly store: SessionStore;
}

/** Parts that earlier ones call and that are made later. */
export interface Late {
  flow?: MessageFlow;
  publish?: PublishHandler;
  dispatch?: PacketDispatch;
  shared?: SharedDelivery;
  catchUp?: CatchUp;
  connectionCount?: () => number;
}

export async function layFoundation(parts: BrokerParts, shards: ShardMap, late: Late): Promise<Foundation> {
  const { config, journal, placement, metrics, log, clock, access } = parts;
  const turn = new Turn();
  const router = new Router<Session>(numberOfGroup, config.mqtt.overlappingSubscriptions);
  const topics = new TopicTable<Session, undefined>(
    TOPICS_REMEMBERED,
    TOPIC_BYTES_REMEMBERED,
    () => undefined,
    randomInt(2 ** 32),
  );
  const retained = new RetainedMessages(
    placementRetainedStore(placement),
    metrics,
    { maximumCount: config.mqtt.maxRetainedMessages, maximumPayload: config.mqtt.maxRetainedMessageBytes },
    (error) => log.write(LOG_EVENTS.retainedSaveFailed, { error: error as Error }),
  );
  await retained.load((shard) => shard === shards.durable.number);
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
    metrics,
    clock,
    onFailure: (error) =>
      log.write(LOG_EVENTS.journalAppendFailed, { shard: shards.sessionShard, error: error as Error }),
    onSettled: () => late.dispatch!.resumeWaiting(),
  });
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
    topicLimits: new TopicLimits(config.mqtt, metrics),
    store: new SessionStore(placement, router, ingests),
  };
}
