/** Who still needs records of a shard, and from which offset on. */
export class Holders {
  readonly #offsets = new Map<string, number>();

  protect(holder: string, from: number | undefined): void {
    if (from === undefined) this.#offsets.delete(holder);
    else this.#offsets.set(holder, from);
  }

  /** The lowest offset anyone needs; Infinity when nobody does. Looks at every holder: ask per retention run, not per append. */
  lowest(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const from of this.#offsets.values()) if (from < lowest) lowest = from;
    return lowest;
  }
}
