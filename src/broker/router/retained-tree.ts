import { valuesOf } from '../../mqtt/few.ts';
import { type LevelNode, LevelTree } from '../../mqtt/level-tree.ts';
import { splitLevels } from '../../mqtt/topic.ts';

export interface RetainedEntry<Value> {
  readonly topic: string;
  readonly value: Value;
}

type Node<Value> = LevelNode<RetainedEntry<Value>>;

/** A node still to be looked at; `depth` counts the filter's levels already matched, `below` takes the whole subtree. */
interface Pending<Value> {
  readonly node: Node<Value>;
  readonly depth: number;
  readonly below: boolean;
}

/** After so many nodes without an entry a search lets others go on: less than a millisecond. */
const NODES_IN_VAIN = 1000;

/** Retained messages by topic, found by filter. */
export class RetainedTree<Value> {
  readonly #tree = new LevelTree<RetainedEntry<Value>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get(topic: string): Value | undefined {
    return this.#tree.find(topic)?.value?.value;
  }

  /** Returns the value that was there before. */
  set(topic: string, value: Value): Value | undefined {
    const node = this.#tree.ensure(topic);
    const before = node.value;
    node.value = { topic, value };
    if (before === undefined) this.#count += 1;
    return before?.value;
  }

  /** Returns the value that was there. */
  delete(topic: string): Value | undefined {
    const node = this.#tree.find(topic);
    const before = node?.value;
    if (node === undefined || before === undefined) return undefined;
    this.#tree.clear(node);
    this.#count -= 1;
    return before.value;
  }

  /**
   * Every entry whose topic matches the filter (without `$share/<group>/`), in no order. Lazy, so that a large answer can be
   * sent piece by piece: what changes meanwhile may or may not be seen, but nothing deleted is returned. `undefined`: the
   * search has gone on for a while in vain, as it can over a whole tree, and should be continued in another turn.
   */
  *matching(filter: string): Generator<RetainedEntry<Value> | undefined, void, undefined> {
    const levels = splitLevels(filter);
    const pending: Pending<Value>[] = [{ node: this.#tree.root, depth: 0, below: false }];
    let inVain = 0;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { node, depth, below } = next;
      if ((below || depth === levels.length) && node.value !== undefined) {
        inVain = 0;
        yield node.value;
      } else if (++inVain % NODES_IN_VAIN === 0) yield undefined;
      if (below) pushChildren(pending, node, depth, true);
      else if (depth < levels.length) pushMatching(pending, node, depth, levels);
    }
  }
}

function pushMatching<Value>(pending: Pending<Value>[], node: Node<Value>, depth: number, levels: string[]): void {
  const level = levels[depth]!;
  if (level === '#') pushChildren(pending, node, depth, true);
  else if (level === '+') pushChildren(pending, node, depth, false);
  else {
    const child = node.child(level);
    if (child !== undefined) pending.push({ node: child, depth: depth + 1, below: false });
  }
  // `sport/#` includes `sport` itself: a node at which only `#` is left matches as the parent level.
  if (level === '#' && depth > 0) pending.push({ node, depth: levels.length, below: false });
}

function pushChildren<Value>(pending: Pending<Value>[], node: Node<Value>, depth: number, below: boolean): void {
  const isRoot = node.parent === undefined;
  for (const child of valuesOf(node.children)) {
    // A leading wildcard does not match topics that begin with `$` [MQTT-4.7.2-1].
    if (isRoot && child.key.startsWith('$')) continue;
    pending.push({ node: child, depth: depth + 1, below });
  }
}
