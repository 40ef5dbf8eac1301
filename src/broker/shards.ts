import type { Journal } from '../journal/journal.ts';
import type { Placement } from '../placement/placement.ts';
import {
  DEFAULT_SHARD,
  decodeRoutes,
  ROUTES_KEY,
  type RouteRules,
  routeTopic,
  writeRoutes,
} from '../placement/routes.ts';
import { ensureShard } from '../placement/shards.ts';
import { WatchedPrefix } from '../placement/watched-prefix.ts';
import type { IngestShard } from './delivery/ingest.ts';

/** The shard for topics whose messages need not survive the process. */
const VOLATILE_SHARD = 'volatile';

export interface TopicRule {
  readonly filter: string;
  readonly durable: boolean;
}

/** The shards a broker writes to, and which topic goes to which: from placement, followed by a watch. */
export class ShardMap {
  readonly durable: IngestShard;
  readonly volatile: IngestShard;
  /** Where this broker keeps what its sessions did since the last checkpoint. */
  readonly sessionShard: string;
  /** Grows when routes given before no longer hold. */
  version = 1;
  readonly #routes: WatchedPrefix;
  #rules: RouteRules;

  private constructor(
    durable: IngestShard,
    volatile: IngestShard,
    sessionShard: string,
    routes: WatchedPrefix,
    onRefused: (cause: unknown) => void,
  ) {
    this.durable = durable;
    this.volatile = volatile;
    this.sessionShard = sessionShard;
    this.#routes = routes;
    this.#rules = decodeRoutes(routes.get(ROUTES_KEY));
    routes.onChange(() => this.#follow(onRefused));
  }

  /**
   * Makes the shards where they are missing, and the configured topic rules the routes. `onRefused` is told of routes that
   * somebody else wrote and that do not parse: those before them stay in force.
   */
  static async open(
    placement: Placement,
    journal: Journal,
    brokerId: string,
    rules: readonly TopicRule[],
    createdAt: number,
    onRefused: (cause: unknown) => void,
  ): Promise<ShardMap> {
    const durable = await openShard(placement, journal, DEFAULT_SHARD, true, createdAt);
    const volatile = await openShard(placement, journal, VOLATILE_SHARD, false, createdAt);
    const sessionShard = `sessions.${brokerId.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, '_')}`;
    await openShard(placement, journal, sessionShard, true, createdAt);
    const routes = rules.map((rule) => ({ filter: rule.filter, shard: rule.durable ? DEFAULT_SHARD : VOLATILE_SHARD }));
    await writeRoutes(placement, routes);
    return new ShardMap(durable, volatile, sessionShard, await WatchedPrefix.open(placement, ROUTES_KEY), onRefused);
  }

  route(topic: string): IngestShard {
    return routeTopic(this.#rules, topic) === VOLATILE_SHARD ? this.volatile : this.durable;
  }

  close(): void {
    this.#routes.close();
  }

  #follow(onRefused: (cause: unknown) => void): void {
    try {
      this.#rules = decodeRoutes(this.#routes.get(ROUTES_KEY));
      this.version += 1;
    } catch (error) {
      onRefused(error);
    }
  }
}

async function openShard(
  placement: Placement,
  journal: Journal,
  name: string,
  durable: boolean,
  createdAt: number,
): Promise<IngestShard> {
  const { number } = await ensureShard(placement, name, { durable, createdAt });
  await journal.createShard({ name, durable });
  return { name, number, durable };
}
