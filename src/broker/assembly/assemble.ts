import { LOG_EVENTS } from '../../telemetry/catalogue.ts';
import { recoverSessions } from '../durability/recovery.ts';
import { restoreSessions } from '../durability/restore-sessions.ts';
import { ShardMap } from '../shards.ts';
import type { SystemTopics } from '../system-topics/system-topics.ts';
import type { BrokerParts } from './broker-parts.ts';
import { assembleDelivery, type Delivery } from './delivery.ts';
import { type Foundation, type Late, layFoundation } from './foundation.ts';
import { assembleHandling, type Handling } from './handling.ts';
import { assembleSystemTopics } from './system-topics.ts';

/** All parts of a running broker. */
export type BrokerAssembly = Foundation & Delivery & Handling & { readonly systemTopics: SystemTopics };

/**
 * Puts a broker together and brings its sessions back. The order is the message's way; where two parts need each other,
 * the earlier one is given a function.
 */
export async function assemble(parts: BrokerParts): Promise<BrokerAssembly> {
  const { config, placement, journal, clock } = parts;
  const shards = await ShardMap.open(placement, journal, config.node.id, config.topicRules, clock.now(), (error) =>
    parts.log.write(LOG_EVENTS.routesRefused, { error: error as Error }),
  );
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
    limits: { maximumInflight: config.mqtt.maxInflightMessages },
    now: clock.now(),
  });
  handling.checkpoint.protect(recovered.marker);
  parts.log.write(LOG_EVENTS.sessionsLoaded, {
    sessions: recovered.sessions.length,
    retained: foundation.retained.count,
  });
  const systemTopics = assembleSystemTopics(foundation, delivery, handling);
  return { ...foundation, ...delivery, ...handling, systemTopics };
}
