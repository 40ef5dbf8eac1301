import type { Connection } from '../connection/connection.ts';
import type { Ingest } from '../delivery/ingest.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import type { ShardMap } from '../shards.ts';

/**
 * The ingest of the shard that takes a topic: remembered with the topic as long as the routes do not change. The metadata is
 * in memory, kept right by a watch.
 */
export class TopicRouter {
  readonly #shards: ShardMap;
  readonly #ingests: ReadonlyMap<number, Ingest<Connection>>;

  constructor(shards: ShardMap, ingests: ReadonlyMap<number, Ingest<Connection>>) {
    this.#shards = shards;
    this.#ingests = ingests;
  }

  ingestOf(topic: BrokerTopic): Ingest<Connection> {
    return this.#ingests.get(this.#shardOf(topic))!;
  }

  #shardOf(topic: BrokerTopic): number {
    if (topic.routeVersion !== this.#shards.version) {
      topic.shard = this.#shards.route(topic.name).number;
      topic.routeVersion = this.#shards.version;
    }
    return topic.shard;
  }
}
