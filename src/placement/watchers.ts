import type { PlacementChange } from './placement.ts';

interface Watcher {
  readonly prefix: string;
  readonly onChange: (change: PlacementChange) => void;
  /** What was published before the watcher came is not its business. */
  readonly afterRevision: number;
}

/** The watches of one engine: an engine publishes each durable change once, in revision order. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  #published = 0;

  add(prefix: string, onChange: (change: PlacementChange) => void): () => void {
    const watcher: Watcher = { prefix, onChange, afterRevision: this.#published };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  publish(changes: readonly PlacementChange[]): void {
    for (const change of changes) {
      this.#published = change.revision;
      for (const watcher of this.#watchers) {
        if (change.revision > watcher.afterRevision && change.key.startsWith(watcher.prefix)) call(watcher, change);
      }
    }
  }

  clear(): void {
    this.#watchers.clear();
  }
}

/** A callback that throws is a bug, which must surface, but not take the change away from the other watchers. */
function call(watcher: Watcher, change: PlacementChange): void {
  try {
    watcher.onChange(change);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
