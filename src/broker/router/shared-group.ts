import { assert } from '../../base/errors.ts';
import type { Keyed } from '../../mqtt/few.ts';
import { parseSharedFilter } from '../../mqtt/topic.ts';
import { isVisible, type Subscriber, type Subscription } from './subscription.ts';

/**
 * The sessions that share one subscription, `$share/<group>/<filter>`: each message goes to one of them
 * (MQTT 5 section 4.8.2). Members take turns.
 */
export class SharedGroup<S extends Subscriber> implements Keyed {
  /** The whole `$share/<group>/<filter>`. */
  readonly filter: string;
  /** Stands for the group in session logs; never 0. */
  readonly number: number;
  /** It has, or had, a member that outlives the broker: so does the group, and what any member gets is noted. */
  outlivesBroker = false;
  /** Without `$share/<group>/`. */
  readonly topicFilter: string;
  /** The longest of its members', present and past: what is not to be seen below it, no member gets. */
  #mountPoint = '';
  readonly #members: Subscription<S>[] = [];
  /** Whose turn it is. Members before it have had theirs in this round. */
  #turn = 0;

  constructor(filter: string, number: number) {
    const parsed = parseSharedFilter(filter);
    assert(parsed.type === 'shared', 'a shared group has a shared filter');
    this.filter = filter;
    this.topicFilter = parsed.filter;
    this.number = number;
  }

  get key(): string {
    return this.filter;
  }

  get members(): readonly Subscription<S>[] {
    return this.#members;
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  /** A new member's turn comes at the end of the round. */
  add(subscription: Subscription<S>): void {
    subscription.index = this.#members.length;
    this.#members.push(subscription);
    if (subscription.session.persistent) this.outlivesBroker = true;
    const { mountPoint } = subscription.session;
    if (mountPoint.length > this.#mountPoint.length) this.#mountPoint = mountPoint;
  }

  /** Whether a topic that the filter matches is one for the members; see isVisible. */
  sees(topic: string): boolean {
    return isVisible(topic, this.topicFilter, this.#mountPoint);
  }

  /** Puts the subscription in the place of another of the same session, turn included. */
  replace(existing: Subscription<S>, subscription: Subscription<S>): void {
    subscription.index = existing.index;
    this.#members[existing.index] = subscription;
  }

  /** Leaves everyone else on his side of the turn, so that nobody is served twice or skipped in this round. */
  remove(subscription: Subscription<S>): void {
    let hole = subscription.index;
    if (hole < this.#turn) {
      this.#turn -= 1;
      this.#move(this.#turn, hole);
      hole = this.#turn;
    }
    this.#move(this.#members.length - 1, hole);
    this.#members.pop();
    if (this.#turn >= this.#members.length) this.#turn = 0;
    subscription.index = -1;
  }

  /** The next member in turn that `canTake` the message; undefined when none can. */
  next(canTake: (session: S) => boolean): Subscription<S> | undefined {
    const members = this.#members;
    for (let step = 0; step < members.length; step += 1) {
      let place = this.#turn + step;
      if (place >= members.length) place -= members.length;
      const member = members[place]!;
      if (!canTake(member.session)) continue;
      this.#turn = place + 1 === members.length ? 0 : place + 1;
      return member;
    }
    return undefined;
  }

  #move(from: number, to: number): void {
    const moved = this.#members[from]!;
    this.#members[to] = moved;
    moved.index = to;
  }
}
