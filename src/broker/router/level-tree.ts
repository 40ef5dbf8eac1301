import { assert } from '../../base/errors.ts';
import { splitLevels } from '../../mqtt/topic.ts';
import { addTo, type Few, findIn, type Keyed, removeFrom } from './few.ts';

/** One level of topic names or filters. `+` and `#` are children like any other: no topic name contains them. */
export class LevelNode<Value> implements Keyed {
  /** The level's own text. */
  readonly key: string;
  readonly parent: LevelNode<Value> | undefined;
  children: Few<LevelNode<Value>> = undefined;
  value: Value | undefined = undefined;

  constructor(key: string, parent: LevelNode<Value> | undefined) {
    this.key = key;
    this.parent = parent;
  }

  child(level: string): LevelNode<Value> | undefined {
    return findIn(this.children, level);
  }
}

/** A tree by levels, holding a value at the end of some paths. No node stays that leads to no value. */
export class LevelTree<Value> {
  readonly root = new LevelNode<Value>('', undefined);

  find(path: string): LevelNode<Value> | undefined {
    let node: LevelNode<Value> | undefined = this.root;
    for (const level of splitLevels(path)) {
      node = node.child(level);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The node at the end of the path, made where missing. The caller gives it a value. */
  ensure(path: string): LevelNode<Value> {
    let node = this.root;
    for (const level of splitLevels(path)) {
      let child = node.child(level);
      if (child === undefined) {
        child = new LevelNode<Value>(level, node);
        node.children = addTo(node.children, child);
      }
      node = child;
    }
    return node;
  }

  /** Takes the node's value away, and with it every node that now leads nowhere. */
  clear(node: LevelNode<Value>): void {
    node.value = undefined;
    let vacant = node;
    while (vacant.children === undefined && vacant.value === undefined && vacant.parent !== undefined) {
      const parent: LevelNode<Value> = vacant.parent;
      assert(parent.child(vacant.key) === vacant, 'a node is cleared while it stands in its tree');
      parent.children = removeFrom(parent.children, vacant.key);
      vacant = parent;
    }
  }
}
