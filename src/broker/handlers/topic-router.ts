import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Connection } from '../connection/connection.ts';
import type { Ingest } from '../delivery/ingest.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import type { ShardMap } from '../shards.ts';

/** The ingest of the shard that takes a topic: remembered with the topic as long as the routes do not change. */
export class TopicRouter {
  readonly #shards: ShardMap;
  readonly #ingests: ReadonlyMap<number, Ingest<Connection>>;
  readonly #recorder: Recorder;
  readonly #clock: Clock;

  constructor(shards: ShardMap, ingests: ReadonlyMap<number, Ingest<Connection>>, recorder: Recorder, clock: Clock) {
    this.#shards = shards;
    this.#ingests = ingests;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  ingestOf(topic: BrokerTopic, span: SpanHandle): Ingest<Connection> {
    if (span !== NO_SPAN) return this.#traced(topic, span);
    return this.#ingests.get(this.#shardOf(topic))!;
  }

  #shardOf(topic: BrokerTopic): number {
    if (topic.routeVersion !== this.#shards.version) {
      topic.shard = this.#shards.route(topic.name).number;
      topic.routeVersion = this.#shards.version;
    }
    return topic.shard;
  }

  /** The metadata is in memory, kept right by a watch; the spans say that it was asked and what it said. */
  #traced(topic: BrokerTopic, span: SpanHandle): Ingest<Connection> {
    const recorder = this.#recorder;
    const query = recorder.child(SPANS.metadataQuery, span, this.#clock.now());
    const ingest = this.#ingests.get(this.#shardOf(topic))!;
    const now = this.#clock.now();
    recorder.end(query, now);
    const route = recorder.child(SPANS.clusterRoute, span, now);
    recorder.attribute(route, ATTRIBUTES.mqttTopic, topic.name);
    recorder.attribute(route, ATTRIBUTES.shardRoute, ingest.shard.name);
    recorder.end(route, this.#clock.now());
    return ingest;
  }
}
