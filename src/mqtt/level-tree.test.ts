import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type LevelNode, LevelTree } from './level-tree.ts';
import { topicMatches } from './topic.ts';

describe('level tree', () => {
  it('holds values at paths, empty levels included', () => {
    const tree = new LevelTree<number>();
    tree.ensure('a/b').value = 1;
    tree.ensure('a/').value = 2;
    tree.ensure('/a').value = 3;
    assert.deepEqual([tree.find('a/b')?.value, tree.find('a/')?.value, tree.find('/a')?.value], [1, 2, 3]);
    assert.equal(tree.find('a')?.value, undefined);
    assert.equal(tree.find('b'), undefined);
  });

  it('finds the filters that match a topic, each once', () => {
    const level = fc.constantFrom('a', 'b', '', '$s');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.constantFrom('#', '+', 'a', 'b'))
      .map(([levels, last]) => [...levels, last].join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(filter), fc.array(topic), (filters, topics) => {
        const tree = new LevelTree<string>();
        for (const path of filters) tree.ensure(path).value = path;
        for (const name of topics) {
          const found: LevelNode<string>[] = [];
          tree.covering(name, found);
          const matching = filters.filter((path) => topicMatches(path, name));
          assert.deepEqual(found.map(({ value }) => value).sort(), matching.sort());
        }
      }),
    );
  });

  it('keeps no node that leads nowhere', () => {
    const tree = new LevelTree<number>();
    for (const path of ['a', 'a/b/c', 'a/b/d']) tree.ensure(path).value = 1;
    tree.clear(tree.find('a/b/c')!);
    assert.equal(tree.find('a/b/c'), undefined);
    assert.notEqual(tree.find('a/b/d'), undefined);
    tree.clear(tree.find('a/b/d')!);
    assert.equal(tree.find('a/b'), undefined);
    assert.equal(tree.find('a')?.value, 1);
    tree.clear(tree.find('a')!);
    assert.equal(tree.root.children, undefined);
  });
});
