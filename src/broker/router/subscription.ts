import type { Keyed } from '../../mqtt/few.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import { numberOfOwn } from './subscription-number.ts';

/** What the router must know of a session. Sets of sessions are ordered and hashed by its number. */
export interface Subscriber {
  readonly number: number;
  /** It outlives its connection, and with that the broker. */
  readonly persistent: boolean;
  /** In front of all its topics and filters but those that begin with `$`; empty for none. */
  readonly mountPoint: string;
}

/** What a session with several matching subscriptions gets: one copy of the message, or one for each. */
export type Overlapping = 'one' | 'each';

/** An offset in a shard. */
export type ShardPosition = readonly [shard: number, offset: number];

/** What a client chose with its subscription (MQTT 5 section 3.8.3.1), and from where on it counts. */
export interface SubscriptionOptions {
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** Subscription identifier; 0 for none. */
  readonly identifier: number;
  /** The end of each shard when the subscription was made: earlier records are not its business. */
  readonly since: readonly ShardPosition[];
}

/** How one message is to reach one session, all its matching subscriptions taken together. */
export interface Match<S extends Subscriber> {
  readonly session: S;
  /** The highest of the matching subscriptions. */
  readonly qos: number;
  readonly identifiers: readonly number[];
  readonly retainAsPublished: boolean;
  /** Of the one subscription whose copy this is; 0: all of the session's together (subscription-number.ts). */
  readonly number: number;
  /**
   * What counts instead when the session is itself the publisher: this same object where no subscription is "no local",
   * undefined where all are [MQTT-3.8.3-3], and the match of the others where they differ.
   */
  readonly toSelf: Match<S> | undefined;
}

const NO_IDENTIFIERS: readonly number[] = Object.freeze([]);

/** Alone at a topic, a subscription is its session's match: nothing needs to be made for it. */
export class Subscription<S extends Subscriber> implements Match<S>, Keyed {
  readonly session: S;
  /** As the client wrote it, with `$share/<group>/` where shared. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[];
  readonly since: readonly ShardPosition[];
  readonly number: number;
  /** Place in the list of its filter or shared group, kept there, so that leaving costs the same however many there are. */
  index = -1;

  constructor(session: S, filter: string, options: SubscriptionOptions, overlapping: Overlapping = 'one') {
    this.session = session;
    this.filter = filter;
    this.qos = options.qos;
    this.noLocal = options.noLocal;
    this.retainAsPublished = options.retainAsPublished;
    this.identifiers = options.identifier === 0 ? NO_IDENTIFIERS : [options.identifier];
    this.since = options.since;
    this.number = overlapping === 'each' ? numberOfOwn(filter) : 0;
  }

  get key(): string {
    return this.filter;
  }

  get toSelf(): Match<S> | undefined {
    return this.noLocal ? undefined : this;
  }

  /** Of a plain filter: whether it covers the topic as its client sees both. */
  covers(topic: string): boolean {
    return topicMatches(this.filter, topic) && isVisible(topic, this.filter, this.session.mountPoint);
  }
}

/**
 * Whether a topic that the filter matches is below the mount point and matched there: `site/#` matches `site` too, which
 * is nothing below `site/`, and without the mount point a wildcard in front matches no topic with `$` [MQTT-4.7.2-1].
 */
export function isVisible(topic: string, filter: string, mountPoint: string): boolean {
  const hidden = mountPoint.length;
  if (hidden === 0 || filter.startsWith('$')) return true;
  return topic.length > hidden && topicMatches(filter.slice(hidden), topic.slice(hidden));
}

/** How the session gets a message that these of its subscriptions match. */
export function matchesOf<S extends Subscriber>(
  matching: readonly Subscription<S>[],
  overlapping: Overlapping,
): readonly Match<S>[] {
  return overlapping === 'each' || matching.length < 2 ? matching : [combine(matching)];
}

/**
 * One match of the subscriptions of one session that all match a topic: one copy of the message at the highest QoS
 * [MQTT-3.3.4-2] (3.1.1: [MQTT-3.3.5-1]) with every identifier [MQTT-3.3.4-3], [MQTT-3.3.4-4].
 */
function combine<S extends Subscriber>(overlapping: readonly Subscription<S>[]): Match<S> {
  const first = overlapping[0]!;
  if (overlapping.length === 1) return first;
  const local = overlapping.filter((subscription) => !subscription.noLocal);
  const identifiers = overlapping.flatMap((subscription) => subscription.identifiers);
  const match = {
    session: first.session,
    qos: overlapping.reduce((highest, { qos }) => Math.max(highest, qos), 0),
    identifiers: identifiers.length === 0 ? NO_IDENTIFIERS : identifiers.sort((left, right) => left - right),
    retainAsPublished: overlapping.some((subscription) => subscription.retainAsPublished),
    number: 0,
    toSelf: undefined as Match<S> | undefined,
  };
  if (local.length === overlapping.length) match.toSelf = match;
  else if (local.length > 0) match.toSelf = combine(local);
  return match;
}
