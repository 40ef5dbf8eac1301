import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseSharedFilter, topicMatches } from '../../mqtt/topic.ts';
import { Router } from './router.ts';
import type { Match, SubscriptionOptions } from './subscription.ts';
import { anyFilter, anyOptions, anyTopic, plain, TestSession } from './testing/arbitraries.ts';
import { TopicTable } from './topic-table.ts';

function setUp() {
  const numbers = new Map<string, number>();
  const router = new Router<TestSession>((filter) => {
    if (!numbers.has(filter)) numbers.set(filter, numbers.size + 1);
    return numbers.get(filter)!;
  });
  const topics = new TopicTable<TestSession, undefined>(1000, 100_000, () => undefined, 7);
  const topic = (name: string) => topics.intern(Buffer.from(name), 0, Buffer.byteLength(name));
  const match = (name: string) => router.match(topic(name));
  return { router, match };
}

const [first, second, third] = [1, 2, 3].map((number) => new TestSession(number)) as [
  TestSession,
  TestSession,
  TestSession,
];
const sessionsOf = (members: readonly Match<TestSession>[]) => members.map((member) => member.session.number);

describe('router', () => {
  it('finds the sessions whose filters match', () => {
    const { router, match } = setUp();
    router.subscribe(first, 'sport/+/score', plain);
    router.subscribe(second, 'sport/#', plain);
    router.subscribe(third, 'sport', plain);
    assert.deepEqual(sessionsOf(match('sport/tennis/score').members), [1, 2]);
    assert.deepEqual(sessionsOf(match('sport').members), [2, 3]);
    assert.ok(match('news').isEmpty);
  });

  it('does not match a leading wildcard with topics that begin with $ [MQTT-4.7.2-1]', () => {
    const { router, match } = setUp();
    router.subscribe(first, '#', plain);
    router.subscribe(second, '+/uptime', plain);
    router.subscribe(third, '$SYS/#', plain);
    assert.deepEqual(sessionsOf(match('$SYS/uptime').members), [3]);
  });

  it('replaces a subscription of the same session and filter [MQTT-3.8.4-3]', () => {
    const { router, match } = setUp();
    assert.equal(router.subscribe(first, 'a', { ...plain, qos: 2, identifier: 5 }), true);
    assert.equal(router.subscribe(first, 'a', { ...plain, qos: 1 }), false);
    assert.equal(router.subscriptionCount, 1);
    assert.deepEqual(
      match('a').members.map(({ qos, identifiers }) => ({ qos, identifiers })),
      [{ qos: 1, identifiers: [] }],
    );
  });

  it('gives overlapping subscriptions one copy at the highest QoS [MQTT-3.3.4-2] with all identifiers [MQTT-3.3.4-4]', () => {
    const { router, match } = setUp();
    router.subscribe(first, 'a/+', { ...plain, qos: 1, identifier: 9 });
    router.subscribe(first, 'a/#', { ...plain, qos: 2, identifier: 4, retainAsPublished: true });
    router.subscribe(first, 'a/b', { ...plain, qos: 0 });
    const [only, ...others] = match('a/b').members;
    assert.equal(others.length, 0);
    assert.deepEqual([only?.qos, only?.identifiers, only?.retainAsPublished], [2, [4, 9], true]);
  });

  it('lets a session that published itself be reached only by what is not "no local" [MQTT-3.8.3-3]', () => {
    const { router, match } = setUp();
    router.subscribe(first, 'a', { ...plain, qos: 2, identifier: 1, noLocal: true });
    assert.equal(match('a').members[0]?.toSelf, undefined);
    assert.equal(match('a').hasNoLocal, true);
    router.subscribe(first, '#', { ...plain, qos: 1, identifier: 2 });
    const mixed = match('a').members[0];
    assert.deepEqual([mixed?.qos, mixed?.identifiers], [2, [1, 2]]);
    assert.deepEqual([mixed?.toSelf?.qos, mixed?.toSelf?.identifiers], [1, [2]]);
    router.unsubscribe(first, 'a');
    assert.equal(match('a').members[0]?.toSelf, match('a').members[0]);
    assert.equal(match('a').hasNoLocal, false);
  });

  it('gives topics with the same members on the same terms the identical set', () => {
    const { router, match } = setUp();
    router.subscribe(first, 'a/#', plain);
    router.subscribe(second, 'a/+', plain);
    router.subscribe(second, 'a/c', { ...plain, qos: 0 });
    router.subscribe(third, '$share/g/a/#', plain);
    assert.equal(match('a/b'), match('a/c'));
    const before = match('a/b');
    router.subscribe(first, 'x/y', plain);
    router.unsubscribe(first, 'a/#');
    assert.notEqual(match('a/b'), before);
    router.subscribe(first, 'a/#', plain);
    assert.equal(match('a/b'), before);
  });

  it('never takes a new session for an old one of the same number', () => {
    const { router, match } = setUp();
    router.subscribe(first, 'a', plain);
    const before = match('a');
    router.removeSession(first);
    const heir = new TestSession(first.number);
    router.subscribe(heir, 'a', plain);
    assert.notEqual(match('a'), before);
    assert.equal(match('a').members[0]?.session, heir);
  });

  it('keeps shared groups apart from the members that subscribed for themselves', () => {
    const { router, match } = setUp();
    router.subscribe(first, '$share/g/a/+', plain);
    router.subscribe(second, '$share/g/a/+', plain);
    router.subscribe(second, '$share/h/a/+', plain);
    router.subscribe(second, 'a/b', plain);
    const set = match('a/b');
    assert.deepEqual(sessionsOf(set.members), [2]);
    assert.deepEqual(
      set.groups.map((group) => [group.filter, group.members.length]),
      [
        ['$share/g/a/+', 2],
        ['$share/h/a/+', 1],
      ],
    );
    router.unsubscribe(first, '$share/g/a/+');
    assert.equal(match('a/b'), set, 'a change of members leaves the set as it is');
    router.removeSession(second);
    assert.ok(match('a/b').isEmpty);
  });

  it('answers after any history as a list of all subscriptions would', () => {
    const anySession = fc.constantFrom(first, second, third);
    const anyWrittenFilter = fc
      .tuple(fc.constantFrom('', '', '$share/g/', '$share/h/'), anyFilter)
      .map(([share, filter]) => share + filter);
    const step = fc.oneof(
      fc.record({ type: fc.constant('subscribe'), session: anySession, filter: anyWrittenFilter, options: anyOptions }),
      fc.record({ type: fc.constant('unsubscribe'), session: anySession, filter: anyWrittenFilter }),
      fc.record({ type: fc.constant('remove'), session: anySession }),
      fc.record({ type: fc.constant('match'), topic: anyTopic }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(anyTopic, { minLength: 3, maxLength: 8 }),
        (steps, topics) => {
          const { router, match } = setUp();
          const model = new NaiveRouter();
          for (const action of steps) {
            if (action.type === 'match') assert.deepEqual(describeSet(match(action.topic)), model.match(action.topic));
            else if (action.type === 'remove')
              assert.equal(router.removeSession(action.session), model.remove(action.session));
            else if ('options' in action)
              assert.equal(
                router.subscribe(action.session, action.filter, action.options),
                model.subscribe(action.session, action.filter, action.options),
              );
            else
              assert.equal(
                router.unsubscribe(action.session, action.filter),
                model.unsubscribe(action.session, action.filter),
              );
          }
          assert.equal(router.subscriptionCount, model.entries.length);
          for (const topic of topics) assert.deepEqual(describeSet(match(topic)), model.match(topic));
          for (const session of [first, second, third]) router.removeSession(session);
          for (const topic of topics) assert.ok(match(topic).isEmpty);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('knows of few and of many subscriptions of a session which cover a topic', () => {
    const shared = '$share/g/#';
    fc.assert(
      fc.property(fc.uniqueArray(anyFilter, { maxLength: 40, size: 'max' }), fc.array(anyTopic), (filters, topics) => {
        const router = new Router<TestSession>(() => 1);
        for (const filter of [...filters, shared]) router.subscribe(first, filter, plain);
        for (const filter of ['#', 'a']) router.subscribe(second, filter, plain);
        for (const topic of topics) {
          const covering = router.subscriptionsCovering(first, topic).map(({ filter }) => filter);
          const expected = filters.filter((filter) => topicMatches(filter, topic));
          assert.deepEqual(new Set(covering), new Set(expected));
          assert.equal(covering.length, expected.length);
        }
      }),
    );
  });
});

interface ModelEntry {
  session: TestSession;
  filter: string;
  options: SubscriptionOptions;
}

class NaiveRouter {
  entries: ModelEntry[] = [];

  subscribe(session: TestSession, filter: string, options: SubscriptionOptions): boolean {
    const isNew = !this.unsubscribe(session, filter);
    this.entries.push({ session, filter, options });
    return isNew;
  }

  unsubscribe(session: TestSession, filter: string): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.session !== session || entry.filter !== filter);
    return this.entries.length < before;
  }

  remove(session: TestSession): number {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.session !== session);
    return before - this.entries.length;
  }

  match(topic: string) {
    const matching = this.entries.filter(({ filter }) => {
      const parsed = parseSharedFilter(filter);
      return parsed.type !== 'invalid' && topicMatches(parsed.filter, topic);
    });
    const isShared = (entry: ModelEntry) => entry.filter.startsWith('$share/');
    const own = matching.filter((entry) => !isShared(entry));
    const shared = matching.filter(isShared);
    const members = [first, second, third].flatMap((session) => {
      const all = own.filter((entry) => entry.session === session);
      const others = all.filter((entry) => !entry.options.noLocal);
      return all.length === 0
        ? []
        : [{ session: session.number, ...sum(all), toSelf: others.length > 0 ? sum(others) : undefined }];
    });
    const groups = [...new Set(shared.map((entry) => entry.filter))].sort().map((filter) => ({
      filter,
      members: shared.flatMap((entry) => (entry.filter === filter ? [entry.session.number] : [])).sort(),
    }));
    return { members, groups };
  }
}

function sum(entries: ModelEntry[]) {
  return {
    qos: Math.max(...entries.map((entry) => entry.options.qos)),
    identifiers: entries.flatMap(({ options }) => (options.identifier === 0 ? [] : [options.identifier])).sort(),
    retainAsPublished: entries.some((entry) => entry.options.retainAsPublished),
  };
}

function describeSet(set: ReturnType<Router<TestSession>['match']>) {
  const terms = ({ qos, identifiers, retainAsPublished }: Match<TestSession>) => ({
    qos,
    identifiers: [...identifiers],
    retainAsPublished,
  });
  return {
    members: set.members.map((member) => ({
      session: member.session.number,
      ...terms(member),
      toSelf: member.toSelf === undefined ? undefined : terms(member.toSelf),
    })),
    groups: set.groups
      .map((group) => ({ filter: group.filter, members: group.members.map((member) => member.session.number).sort() }))
      .sort((left, right) => (left.filter < right.filter ? -1 : 1)),
  };
}
