import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LevelTree } from './level-tree.ts';

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
