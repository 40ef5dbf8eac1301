import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MatchSets } from './match-set.ts';
import { Subscription } from './subscription.ts';
import { numberOfOwn } from './subscription-number.ts';
import { plain, TestSession } from './testing/arbitraries.ts';

describe('match sets', () => {
  it('orders members by session number and makes equal sets one', () => {
    const sets = new MatchSets<TestSession>();
    const [low, high] = [new TestSession(1), new TestSession(2 ** 40)];
    const one = sets.intern([new Subscription(high, 'a', plain), new Subscription(low, 'a', plain)], []);
    const other = sets.intern([new Subscription(low, '#', plain), new Subscription(high, 'b', plain)], []);
    assert.equal(one, other);
    assert.deepEqual(
      one.members.map((member) => member.session),
      [low, high],
    );
  });

  it('tells sets apart by any of the terms', () => {
    const sets = new MatchSets<TestSession>();
    const session = new TestSession(1);
    const terms = [
      plain,
      { ...plain, qos: 1 },
      { ...plain, noLocal: true },
      { ...plain, retainAsPublished: true },
      { ...plain, identifier: 1 },
      { ...plain, identifier: 2 },
    ];
    const made = terms.map((options) => sets.intern([new Subscription(session, 'a', options)], []));
    assert.equal(new Set(made).size, terms.length);
  });

  it('has a member for each subscription of a session where each gets a copy, told apart by their numbers', () => {
    const sets = new MatchSets<TestSession>('each');
    const [first, second] = [new TestSession(1), new TestSession(2)];
    const of = (session: TestSession, filter: string) => new Subscription(session, filter, plain, 'each');
    const set = sets.intern([of(first, 'a'), of(second, 'a'), of(first, '#')], []);
    assert.deepEqual(
      set.members.map(({ session, number }) => [session.number, number]),
      [
        [1, numberOfOwn('a')],
        [1, numberOfOwn('#')],
        [2, numberOfOwn('a')],
      ],
    );
    assert.notEqual(sets.intern([of(first, 'a')], []), sets.intern([of(first, 'b')], []));
  });

  it('has one empty set', () => {
    const sets = new MatchSets<TestSession>();
    assert.equal(sets.intern([], []), sets.empty);
    assert.equal(sets.size, 0);
  });
});
