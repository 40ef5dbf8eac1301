import { assert } from '../base/errors.ts';
import { addTo, type Few, findIn, type Keyed, removeFrom } from './few.ts';
import { splitLevels } from './topic.ts';

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
  /** The nodes reached at one level of a topic, and at the next. Reused; empty between calls. */
  readonly #reached: LevelNode<Value>[] = [];
  readonly #reachedNext: LevelNode<Value>[] = [];

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

  /**
   * Appends the nodes whose paths, read as filters, match the topic name. Level by level and not recursive, because the
   * depth of the tree is the clients' to choose.
   */
  covering(topic: string, found: LevelNode<Value>[]): void {
    const levels = splitLevels(topic);
    let reached = this.#reached;
    let next = this.#reachedNext;
    reached.push(this.root);
    for (let depth = 0; depth < levels.length && reached.length > 0; depth += 1) {
      const level = levels[depth]!;
      // A leading wildcard does not match topics that begin with `$` [MQTT-4.7.2-1].
      const wildcards = depth > 0 || !topic.startsWith('$');
      for (const node of reached) {
        if (wildcards) {
          addValued(found, node.child('#'));
          const anyLevel = node.child('+');
          if (anyLevel !== undefined) next.push(anyLevel);
        }
        const sameLevel = node.child(level);
        if (sameLevel !== undefined) next.push(sameLevel);
      }
      reached.length = 0;
      [reached, next] = [next, reached];
    }
    for (const node of reached) {
      addValued(found, node);
      // `#` includes the parent level: `sport/#` matches `sport` (MQTT 5 section 4.7.1.2).
      addValued(found, node.child('#'));
    }
    reached.length = 0;
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

function addValued<Value>(found: LevelNode<Value>[], node: LevelNode<Value> | undefined): void {
  if (node?.value !== undefined) found.push(node);
}
