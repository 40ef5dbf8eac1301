import { LOG_EVENTS } from '../../telemetry/catalogue.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { CatchUp } from '../delivery/catch-up.ts';
import { DroppedMessages } from '../delivery/dropped-messages.ts';
import { LateDelivery } from '../delivery/late-delivery.ts';
import { MessageFlow } from '../delivery/message-flow.ts';
import { PublishEncoder } from '../delivery/publish-encoder.ts';
import { Pusher } from '../delivery/pusher.ts';
import { Redelivery } from '../delivery/redelivery.ts';
import { SharedDelivery } from '../delivery/shared-delivery.ts';
import { TopicRouter } from '../handlers/topic-router.ts';
import type { Foundation, Late } from './foundation.ts';

/** The way of messages to their subscribers. */
export interface Delivery {
  readonly flow: MessageFlow;
  readonly pusher: Pusher;
  readonly catchUp: CatchUp;
  readonly shared: SharedDelivery;
}

export function assembleDelivery(foundation: Foundation, late: Late): Delivery {
  const { parts, shards, ingests, router, topics, turn, sessionLog, retained } = foundation;
  const { config, journal, recording, metrics, log, clock } = parts;
  const encoder = new PublishEncoder(config.telemetry.propagation);
  const { linkAfterMs } = config.telemetry;
  const dropped = new DroppedMessages({ recording, metrics, clock, linkAfterMs });
  const pusher = new Pusher({
    encoder,
    dropped,
    recording,
    metrics,
    sessionLog,
    shared: () => late.shared!,
    onBehind: (session) => late.catchUp!.wake(session),
  });
  const lateDelivery = new LateDelivery({
    pusher,
    retained,
    topics,
    dropped,
    recording,
    clock,
    linkAfterMs,
  });
  const common = { journal, topics, late: lateDelivery, dropped, metrics, clock };
  const onReadFailure = (error: unknown): void => log.write(LOG_EVENTS.connectionBroken, { error: error as Error });
  const groups = { router, pusher, sessionLog, shards: ingests, onFailure: onReadFailure };
  const shared = new SharedDelivery({ ...common, ...groups });
  const redelivery = new Redelivery({
    ...common,
    shardName: (number) => ingests.find(({ shard }) => shard.number === number)?.shard.name,
    encoder,
    router,
    sessionLog,
    recording,
  });
  const catchUp = new CatchUp({
    ...common,
    router,
    redelivery,
    turn,
    shards: ingests,
    onResent: (session) => shared.wake(session),
    onFailure: (error, session) => {
      onReadFailure(error);
      session.receiver?.close(CLOSE_REASONS.serverError);
    },
  });
  const topicRouter = new TopicRouter(shards, new Map(ingests.map((ingest) => [ingest.shard.number, ingest])));
  const flow = new MessageFlow({
    router,
    pusher,
    retained,
    dropped,
    recording,
    metrics,
    clock,
    connectionCount: () => late.connectionCount!(),
    ingestOf: (topic) => topicRouter.ingestOf(topic),
    answers: () => late.publish!,
    onStorageFailure: (error, records, context) =>
      log.write(LOG_EVENTS.journalAppendFailed, { records, error: error as Error }, context),
  });
  Object.assign(late, { flow, shared, catchUp });
  return { flow, pusher, catchUp, shared };
}
