import { assert } from '../../base/errors.ts';
import { addTo, type Few, findIn, removeFrom, valuesOf } from '../../mqtt/few.ts';
import { type LevelNode, LevelTree } from '../../mqtt/level-tree.ts';
import { type ParsedFilter, parseSharedFilter } from '../../mqtt/topic.ts';
import { SharedGroup } from './shared-group.ts';
import {
  isVisible,
  type Overlapping,
  type Subscriber,
  Subscription,
  type SubscriptionOptions,
} from './subscription.ts';

/** Of a session with more subscriptions than these not each is tried with a topic. */
const FEW_ENOUGH_TO_TRY = 16;

/** Everyone who subscribed to one filter: sessions on their own account, and shared groups. */
class FilterSubscribers<S extends Subscriber> {
  readonly direct: Subscription<S>[] = [];
  /** Hardly ever more than one; where a client makes thousands, none is searched for. */
  groups: Few<SharedGroup<S>> = undefined;

  get isEmpty(): boolean {
    return this.direct.length === 0 && this.groups === undefined;
  }

  add(subscription: Subscription<S>): void {
    subscription.index = this.direct.length;
    this.direct.push(subscription);
  }

  replace(existing: Subscription<S>, subscription: Subscription<S>): void {
    subscription.index = existing.index;
    this.direct[existing.index] = subscription;
  }

  remove(subscription: Subscription<S>): void {
    const last = this.direct.pop()!;
    if (last !== subscription) {
      this.direct[subscription.index] = last;
      last.index = subscription.index;
    }
    subscription.index = -1;
  }

  group(filter: string): SharedGroup<S> | undefined {
    return findIn(this.groups, filter);
  }

  addGroup(group: SharedGroup<S>): void {
    this.groups = addTo(this.groups, group);
  }

  removeGroup({ filter }: SharedGroup<S>): void {
    this.groups = removeFrom(this.groups, filter);
  }
}

/** All subscriptions by filter, and by session. */
export class SubscriptionTree<S extends Subscriber> {
  readonly #tree = new LevelTree<FilterSubscribers<S>>();
  readonly #bySession = new Map<S, Few<Subscription<S>>>();
  readonly #groupsByNumber = new Map<number, SharedGroup<S>>();
  readonly #numberOfGroup: (filter: string) => number;
  readonly #onChange: (filter: string) => void;
  readonly #overlapping: Overlapping;
  #count = 0;
  #sharedCount = 0;
  /** Reused; empty between calls. */
  readonly #found: LevelNode<FilterSubscribers<S>>[] = [];

  /**
   * `numberOfGroup` gives a shared group (by its whole `$share/<group>/<filter>`) the number by which session logs know
   * it. `onChange` is told each filter (without `$share/<group>/`) under which topics may now match otherwise.
   */
  constructor(
    numberOfGroup: (filter: string) => number,
    onChange: (filter: string) => void,
    overlapping: Overlapping = 'one',
  ) {
    this.#numberOfGroup = numberOfGroup;
    this.#onChange = onChange;
    this.#overlapping = overlapping;
  }

  get count(): number {
    return this.#count;
  }

  /** Those of `count` that are shared. */
  get sharedCount(): number {
    return this.#sharedCount;
  }

  get isEmpty(): boolean {
    return this.#tree.root.children === undefined;
  }

  /** Replaces a subscription of the same session and filter [MQTT-3.8.4-3]. Returns whether there was none. */
  subscribe(session: S, filter: string, options: SubscriptionOptions): boolean {
    const parsed = parseValid(filter);
    const subscription = new Subscription(
      session,
      filter,
      options,
      parsed.type === 'plain' ? this.#overlapping : 'one',
    );
    const existing = this.find(session, filter);
    const node = this.#tree.ensure(parsed.filter);
    node.value ??= new FilterSubscribers<S>();
    const home = parsed.type === 'plain' ? node.value : this.#ensureGroup(node.value, filter);
    if (existing === undefined) home.add(subscription);
    else home.replace(existing, subscription);
    this.#bySession.set(session, addTo(this.#bySession.get(session), subscription));
    if (existing === undefined) this.#count += 1;
    if (parsed.type === 'plain') this.#onChange(filter);
    else this.#sharedMember(session, parsed.filter, existing === undefined);
    return existing === undefined;
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(session: S, filter: string): boolean {
    const existing = this.find(session, filter);
    if (existing === undefined) return false;
    this.#removeFromTree(existing);
    const left = removeFrom(this.#bySession.get(session), filter);
    if (left === undefined) this.#bySession.delete(session);
    else this.#bySession.set(session, left);
    return true;
  }

  /** Returns how many subscriptions went. */
  removeSession(session: S): number {
    const before = this.#count;
    for (const subscription of valuesOf(this.#bySession.get(session))) this.#removeFromTree(subscription);
    this.#bySession.delete(session);
    return before - this.#count;
  }

  find(session: S, filter: string): Subscription<S> | undefined {
    return findIn(this.#bySession.get(session), filter);
  }

  countOf(session: S): number {
    const few = this.#bySession.get(session);
    if (few === undefined) return 0;
    return few instanceof Map ? few.size : 1;
  }

  of(session: S): Iterable<Subscription<S>> {
    return valuesOf(this.#bySession.get(session));
  }

  /** The session's own subscriptions, none of them shared, that cover the topic. */
  covering(session: S, topic: string): Subscription<S>[] {
    if (this.countOf(session) <= FEW_ENOUGH_TO_TRY)
      return [...this.of(session)]
        .filter(({ filter }) => !filter.startsWith('$share/'))
        .filter((own) => own.covers(topic));
    const all: Subscription<S>[] = [];
    this.collect(topic, all, []);
    return all.filter((subscription) => subscription.session === session);
  }

  /** Appends every subscription and shared group that matches the topic name. */
  collect(topic: string, direct: Subscription<S>[], groups: SharedGroup<S>[]): void {
    const found = this.#found;
    this.#tree.covering(topic, found);
    for (const { value } of found) takeFrom(value!, topic, direct, groups);
    found.length = 0;
  }

  /** The group of a whole `$share/<group>/<filter>`; undefined for a plain filter, or while nobody is in it. */
  groupOf(filter: string): SharedGroup<S> | undefined {
    return this.#tree.find(parseValid(filter).filter)?.value?.group(filter);
  }

  groupNumbered(number: number): SharedGroup<S> | undefined {
    return this.#groupsByNumber.get(number);
  }

  #sharedMember({ mountPoint }: S, filter: string, isNew: boolean): void {
    if (isNew) this.#sharedCount += 1;
    // The group may see less from now on; see SharedGroup.sees.
    if (mountPoint !== '') this.#onChange(filter);
  }

  #ensureGroup(subscribers: FilterSubscribers<S>, filter: string): SharedGroup<S> {
    const existing = subscribers.group(filter);
    if (existing !== undefined) return existing;
    const number = this.#numberOfGroup(filter);
    assert(number > 0, 'the number of a shared group is not 0');
    const group = new SharedGroup<S>(filter, number);
    subscribers.addGroup(group);
    if (!this.#groupsByNumber.has(number)) this.#groupsByNumber.set(number, group);
    this.#onChange(parseValid(filter).filter);
    return group;
  }

  #removeFromTree(subscription: Subscription<S>): void {
    const parsed = parseValid(subscription.filter);
    const node = this.#tree.find(parsed.filter);
    const subscribers = node?.value;
    assert(node !== undefined && subscribers !== undefined, 'a subscription of a session stands in the tree');
    this.#count -= 1;
    if (parsed.type === 'plain') {
      subscribers.remove(subscription);
      this.#onChange(parsed.filter);
    } else {
      const group = subscribers.group(subscription.filter);
      assert(group !== undefined, 'a shared subscription stands in its group');
      group.remove(subscription);
      this.#sharedCount -= 1;
      if (group.isEmpty) {
        subscribers.removeGroup(group);
        if (this.#groupsByNumber.get(group.number) === group) this.#groupsByNumber.delete(group.number);
        this.#onChange(parsed.filter);
      }
    }
    if (subscribers.isEmpty) this.#tree.clear(node);
  }
}

function parseValid(filter: string): Exclude<ParsedFilter, { type: 'invalid' }> {
  const parsed = parseSharedFilter(filter);
  assert(parsed.type !== 'invalid', 'a filter is checked before it comes to the router');
  return parsed;
}

function takeFrom<S extends Subscriber>(
  subscribers: FilterSubscribers<S>,
  topic: string,
  direct: Subscription<S>[],
  groups: SharedGroup<S>[],
): void {
  for (const subscription of subscribers.direct)
    if (isVisible(topic, subscription.filter, subscription.session.mountPoint)) direct.push(subscription);
  if (subscribers.groups === undefined) return;
  for (const group of valuesOf(subscribers.groups)) if (group.sees(topic)) groups.push(group);
}
