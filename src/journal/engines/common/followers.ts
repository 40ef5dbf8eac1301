type OnCommit = (end: number) => void;

/** Who wants to hear of commits to a shard. */
export class Followers {
  readonly #callbacks = new Set<{ readonly onCommit: OnCommit }>();

  add(onCommit: OnCommit): () => void {
    const follower = { onCommit };
    this.#callbacks.add(follower);
    return () => void this.#callbacks.delete(follower);
  }

  /** A follower that throws is a bug: it surfaces as an uncaught exception, after the others were told. */
  notify(end: number): void {
    for (const { onCommit } of this.#callbacks) {
      try {
        onCommit(end);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#callbacks.clear();
  }
}
