import type { MatchSet } from './match-set.ts';
import type { Subscriber } from './subscription.ts';
import { bucketsOf, type TopicBuckets } from './topic-versions.ts';

/** A topic name in use, with everything that is worth knowing once instead of once a message. */
export class Topic<S extends Subscriber, State> implements TopicBuckets {
  readonly name: string;
  /** A copy of its own: it outlives the read buffer. */
  readonly bytes: Buffer;
  readonly nameBucket: number;
  readonly rootBucket: number;
  /** The last set the router found, and the version for which it holds; see `Router.match`. */
  matches: MatchSet<S> | undefined = undefined;
  matchesVersion = -1;
  /** The shard that takes the topic's messages, and the version of the routes for which that holds; -1 unknown. */
  shard = -1;
  routeVersion = -1;
  /** When it was last looked up, counted in topics added: the table drops the longest unused. */
  lastUsed = 0;
  /** Where the recorder wrote the name last; see telemetry/records/text-table.ts. */
  tracePosition = 0;
  /** What the table's owner keeps with each topic. */
  readonly state: State;

  constructor(bytes: Buffer, createState: (topic: Topic<S, State>) => State) {
    this.name = bytes.toString('utf8');
    this.bytes = bytes;
    const { nameBucket, rootBucket } = bucketsOf(this.name);
    this.nameBucket = nameBucket;
    this.rootBucket = rootBucket;
    this.state = createState(this);
  }
}
