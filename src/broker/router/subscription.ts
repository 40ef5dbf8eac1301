import type { Keyed } from './few.ts';

/** What the router must know of a session: a number of its own, by which sets of sessions are ordered and hashed. */
export interface Subscriber {
  readonly number: number;
}

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
  /** Place in the list of its filter or shared group, kept there, so that leaving costs the same however many there are. */
  index = -1;

  constructor(session: S, filter: string, options: SubscriptionOptions) {
    this.session = session;
    this.filter = filter;
    this.qos = options.qos;
    this.noLocal = options.noLocal;
    this.retainAsPublished = options.retainAsPublished;
    this.identifiers = options.identifier === 0 ? NO_IDENTIFIERS : [options.identifier];
    this.since = options.since;
  }

  get key(): string {
    return this.filter;
  }

  get toSelf(): Match<S> | undefined {
    return this.noLocal ? undefined : this;
  }
}

/**
 * One match of the subscriptions of one session that all match a topic: one copy of the message at the highest QoS
 * [MQTT-3.3.4-2] (3.1.1: [MQTT-3.3.5-1]) with every identifier [MQTT-3.3.4-3], [MQTT-3.3.4-4].
 */
export function combine<S extends Subscriber>(overlapping: readonly Subscription<S>[]): Match<S> {
  const first = overlapping[0]!;
  if (overlapping.length === 1) return first;
  const local = overlapping.filter((subscription) => !subscription.noLocal);
  const identifiers = overlapping.flatMap((subscription) => subscription.identifiers);
  const match = {
    session: first.session,
    qos: overlapping.reduce((highest, { qos }) => Math.max(highest, qos), 0),
    identifiers: identifiers.length === 0 ? NO_IDENTIFIERS : identifiers.sort((left, right) => left - right),
    retainAsPublished: overlapping.some((subscription) => subscription.retainAsPublished),
    toSelf: undefined as Match<S> | undefined,
  };
  if (local.length === overlapping.length) match.toSelf = match;
  else if (local.length > 0) match.toSelf = combine(local);
  return match;
}
