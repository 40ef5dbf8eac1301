import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { topicMatches } from '../../mqtt/topic.ts';
import { RetainedTree } from './retained-tree.ts';
import { anyFilter, anyTopic } from './testing/arbitraries.ts';

const topicsMatching = (tree: RetainedTree<number>, filter: string) =>
  [...tree.matching(filter)].flatMap((entry) => (entry === undefined ? [] : entry.topic)).sort();

describe('retained tree', () => {
  it('finds by plain filter and by wildcards', () => {
    const tree = new RetainedTree<number>();
    for (const topic of ['sport', 'sport/tennis', 'sport/tennis/final', '/', 'news']) tree.set(topic, 1);
    assert.deepEqual(topicsMatching(tree, 'sport/tennis'), ['sport/tennis']);
    assert.deepEqual(topicsMatching(tree, 'sport/#'), ['sport', 'sport/tennis', 'sport/tennis/final']);
    assert.deepEqual(topicsMatching(tree, '+'), ['news', 'sport']);
    assert.deepEqual(topicsMatching(tree, '+/+'), ['/', 'sport/tennis']);
  });

  it('does not give a leading wildcard topics that begin with $ [MQTT-4.7.2-1]', () => {
    const tree = new RetainedTree<number>();
    tree.set('$SYS/uptime', 1);
    assert.deepEqual(topicsMatching(tree, '#'), []);
    assert.deepEqual(topicsMatching(tree, '+/uptime'), []);
    assert.deepEqual(topicsMatching(tree, '$SYS/#'), ['$SYS/uptime']);
  });

  it('returns nothing that was deleted while it was being read', () => {
    const tree = new RetainedTree<number>();
    for (const topic of ['a/1', 'a/2', 'a/3']) tree.set(topic, 1);
    const reader = tree.matching('a/#');
    reader.next();
    for (const topic of ['a/1', 'a/2', 'a/3']) tree.delete(topic);
    assert.deepEqual(reader.next(), { done: true, value: undefined });
  });

  it('says so again and again while a search goes on in vain, so that others have their turn', () => {
    const tree = new RetainedTree<number>();
    for (let index = 0; index < 100; index += 1) tree.set(`${index}${'/x'.repeat(100)}`, 1);
    const found = [...tree.matching(`${'+/'.repeat(100)}nothing`)];
    assert.ok(found.length >= 5 && found.every((entry) => entry === undefined));
  });

  it('survives a topic of very many levels', () => {
    const tree = new RetainedTree<number>();
    const deep = 'a/'.repeat(32_000);
    tree.set(deep, 1);
    assert.deepEqual(topicsMatching(tree, '#'), [deep]);
    assert.equal(tree.delete(deep), 1);
    assert.equal(tree.count, 0);
  });

  it('answers after any history as a map of all topics would', () => {
    const step = fc.tuple(anyTopic, fc.option(fc.nat(), { nil: undefined }));
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(anyFilter, { minLength: 1, maxLength: 6 }),
        (steps, filters) => {
          const tree = new RetainedTree<number>();
          const model = new Map<string, number>();
          for (const [topic, value] of steps) {
            assert.equal(value === undefined ? tree.delete(topic) : tree.set(topic, value), model.get(topic));
            if (value === undefined) model.delete(topic);
            else model.set(topic, value);
            assert.equal(tree.get(topic), value);
          }
          assert.equal(tree.count, model.size);
          for (const filter of filters)
            assert.deepEqual(
              topicsMatching(tree, filter),
              [...model.keys()].filter((topic) => topicMatches(filter, topic)).sort(),
            );
        },
      ),
      { numRuns: 200 },
    );
  });
});
