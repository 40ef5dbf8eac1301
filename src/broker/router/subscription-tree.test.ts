import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { topicMatches } from '../../mqtt/topic.ts';
import type { SharedGroup } from './shared-group.ts';
import type { Subscription } from './subscription.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { anyFilter, anyTopic, plain, TestSession } from './testing/arbitraries.ts';

function setUp() {
  const changes: string[] = [];
  const tree = new SubscriptionTree<TestSession>(
    () => 1,
    (filter) => changes.push(filter),
  );
  const filtersFor = (topic: string) => {
    const direct: Subscription<TestSession>[] = [];
    const groups: SharedGroup<TestSession>[] = [];
    tree.collect(topic, direct, groups);
    return [...direct, ...groups].map(({ filter }) => filter).sort();
  };
  return { tree, changes, filtersFor };
}

const [first, second] = [new TestSession(1), new TestSession(2)];

describe('subscription tree', () => {
  it('knows its groups by their numbers, as long as somebody is in them', () => {
    const tree = new SubscriptionTree<TestSession>(
      (filter) => filter.length,
      () => undefined,
    );
    const groups = ['$share/g/a', '$share/gg/a', '$share/ggg/a'];
    for (const filter of groups) tree.subscribe(first, filter, plain);
    tree.subscribe(second, groups[1]!, plain);
    const known = () => groups.map(({ length }) => tree.groupNumbered(length)?.filter);
    assert.deepEqual(known(), groups);
    tree.removeSession(first);
    assert.deepEqual(known(), [undefined, groups[1], undefined]);
    tree.unsubscribe(second, groups[1]!);
    assert.deepEqual(known(), [undefined, undefined, undefined]);
  });

  it('keeps nothing once the last subscription has gone', () => {
    const { tree } = setUp();
    for (const filter of ['a', 'a/b/c', 'a/+/#', '$share/g/a/b', '$share/h/a/b']) tree.subscribe(first, filter, plain);
    tree.subscribe(second, 'a/b', plain);
    assert.equal(tree.removeSession(first), 5);
    assert.equal(tree.unsubscribe(second, 'a/b'), true);
    assert.equal(tree.count, 0);
    assert.ok(tree.isEmpty);
  });

  it('tells under which filters topics match otherwise now: not when only the members of a group change', () => {
    const { tree, changes } = setUp();
    tree.subscribe(first, 'a', plain);
    tree.subscribe(first, '$share/g/b/+', plain);
    tree.subscribe(second, '$share/g/b/+', plain);
    tree.removeSession(first);
    tree.unsubscribe(second, '$share/g/b/+');
    tree.unsubscribe(second, 'never');
    assert.deepEqual(changes, ['a', 'b/+', 'a', 'b/+']);
  });

  it('shows a session with a mount point what is below it, as if nothing stood in front [MQTT-4.7.2-1]', () => {
    const mounted = new TestSession(3, false, 'm/n/');
    fc.assert(
      fc.property(anyFilter, anyTopic, (filter, topic) => {
        fc.pre(!filter.startsWith('$share/'));
        const { tree, filtersFor } = setUp();
        const filters = [`m/n/${filter}`, `$share/g/m/n/${filter}`];
        for (const each of filters) tree.subscribe(mounted, each, plain);
        assert.deepEqual(filtersFor(`m/n/${topic}`), topicMatches(filter, topic) ? filters.toSorted() : []);
        for (const beside of ['m/n', 'm/n/', topic]) assert.deepEqual(filtersFor(beside), []);
      }),
    );
  });

  it('lets what is below no mount point of a member be seen by none of its group', () => {
    const { tree, changes, filtersFor } = setUp();
    const shared = '$share/g/m/#';
    tree.subscribe(first, shared, plain);
    assert.deepEqual(filtersFor('m'), [shared]);
    const before = changes.length;
    tree.subscribe(new TestSession(3, false, 'm/'), shared, plain);
    assert.deepEqual([filtersFor('m'), filtersFor('m/a'), changes.slice(before)], [[], [shared], ['m/#']]);
  });

  it('finds its way through very many levels', () => {
    const { tree, filtersFor } = setUp();
    const deep = '/'.repeat(30_000);
    for (const filter of [deep, `${deep}#`, '#', `+${deep}`]) tree.subscribe(first, filter, plain);
    assert.deepEqual(filtersFor(deep), ['#', `+${deep}`, deep, `${deep}#`].sort());
    assert.equal(tree.removeSession(first), 4);
    assert.ok(tree.isEmpty);
  });

  it('lists the subscriptions of a session', () => {
    const { tree } = setUp();
    for (const filter of ['a', 'b']) tree.subscribe(first, filter, plain);
    tree.subscribe(second, 'c', plain);
    assert.deepEqual(
      Array.from(tree.of(first), ({ filter }) => filter),
      ['a', 'b'],
    );
    assert.equal(tree.find(second, 'c')?.session, second);
    assert.equal(tree.find(second, 'a'), undefined);
  });
});
