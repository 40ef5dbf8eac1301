import { type MatchSet, MatchSets } from './match-set.ts';
import type { SharedGroup } from './shared-group.ts';
import {
  type Match,
  matchesOf,
  type Overlapping,
  type Subscriber,
  type Subscription,
  type SubscriptionOptions,
} from './subscription.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import type { Topic } from './topic.ts';
import { TopicVersions } from './topic-versions.ts';

/** Who gets what: subscriptions in, the set of matching sessions for a topic out. */
export class Router<S extends Subscriber> {
  readonly #versions = new TopicVersions();
  readonly #tree: SubscriptionTree<S>;
  readonly #sets: MatchSets<S>;
  readonly #overlapping: Overlapping;
  /** Reused by every search. */
  readonly #direct: Subscription<S>[] = [];
  readonly #groups: SharedGroup<S>[] = [];

  /** `numberOfGroup`: see SubscriptionTree. */
  constructor(numberOfGroup: (filter: string) => number, overlapping: Overlapping = 'one') {
    this.#tree = new SubscriptionTree<S>(numberOfGroup, (filter) => this.#versions.changed(filter), overlapping);
    this.#sets = new MatchSets<S>(overlapping);
    this.#overlapping = overlapping;
  }

  get subscriptionCount(): number {
    return this.#tree.count;
  }

  get sharedSubscriptionCount(): number {
    return this.#tree.sharedCount;
  }

  /** The filter must be valid. Returns whether the session had no subscription to it. */
  subscribe(session: S, filter: string, options: SubscriptionOptions): boolean {
    return this.#tree.subscribe(session, filter, options);
  }

  /** Returns whether the session had a subscription to it. */
  unsubscribe(session: S, filter: string): boolean {
    return this.#tree.unsubscribe(session, filter);
  }

  /** Returns how many subscriptions went. */
  removeSession(session: S): number {
    return this.#tree.removeSession(session);
  }

  find(session: S, filter: string): Subscription<S> | undefined {
    return this.#tree.find(session, filter);
  }

  subscriptionsOf(session: S): Iterable<Subscription<S>> {
    return this.#tree.of(session);
  }

  /** The session's own subscriptions, none of them shared, that cover the topic. */
  subscriptionsCovering(session: S, topic: string): readonly Subscription<S>[] {
    return this.#tree.covering(session, topic);
  }

  /** The shared group of a whole `$share/<group>/<filter>`; undefined for any other filter. */
  groupOf(filter: string): SharedGroup<S> | undefined {
    return this.#tree.groupOf(filter);
  }

  /** The shared group of that number; should several have it, one of them. */
  groupNumbered(number: number): SharedGroup<S> | undefined {
    return this.#tree.groupNumbered(number);
  }

  /** How many subscriptions the session has. */
  countOf(session: S): number {
    return this.#tree.countOf(session);
  }

  /** How a session gets a message that these subscriptions of its own match. */
  matchesOf(matching: readonly Subscription<S>[]): readonly Match<S>[] {
    return matchesOf(matching, this.#overlapping);
  }

  /** The set remembered with the topic, as long as no subscription that may concern the topic has changed. */
  match(topic: Topic<S, unknown>): MatchSet<S> {
    const version = this.#versions.of(topic);
    if (topic.matches !== undefined && topic.matchesVersion === version) return topic.matches;
    this.#tree.collect(topic.name, this.#direct, this.#groups);
    const set = this.#sets.intern(this.#direct, this.#groups);
    this.#direct.length = 0;
    this.#groups.length = 0;
    topic.matches = set;
    topic.matchesVersion = version;
    return set;
  }
}
