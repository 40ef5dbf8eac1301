import fc from 'fast-check';
import type { Subscriber, SubscriptionOptions } from '../subscription.ts';

/** Few names, so that random filters, topics and sessions meet often. */
const level = fc.constantFrom('', 'a', 'b', '$s');
const filterLevel = fc.constantFrom('', 'a', 'b', '$s', '+', '+');

export const anyTopic: fc.Arbitrary<string> = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');

export const anyFilter: fc.Arbitrary<string> = fc
  .tuple(fc.array(filterLevel, { maxLength: 4 }), fc.boolean())
  .map(([levels, deep]) => (deep ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter !== '');

export const anyOptions: fc.Arbitrary<SubscriptionOptions> = fc.record({
  qos: fc.integer({ min: 0, max: 2 }),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  identifier: fc.integer({ min: 0, max: 2 }),
  since: fc.constant([]),
});

export const plain: SubscriptionOptions = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
  since: [],
};

export class TestSession implements Subscriber {
  readonly number: number;
  readonly persistent: boolean;
  readonly mountPoint: string;

  constructor(number: number, persistent = false, mountPoint = '') {
    this.number = number;
    this.persistent = persistent;
    this.mountPoint = mountPoint;
  }
}
