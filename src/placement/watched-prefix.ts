import { listAll } from './listing.ts';
import type { Placement, PlacementChange, PlacementEntry } from './placement.ts';

/**
 * All entries under a prefix in memory, kept right by a watch: what is asked for every message is answered from here.
 * The watch starts before the entries are read, and of two states of a key the one with the higher revision counts, so
 * nothing is missed in between and nothing old comes back.
 */
export class WatchedPrefix {
  readonly #entries = new Map<string, PlacementEntry>();
  /** Revisions of keys deleted while loading: what is read of them below that is out of date. Empty afterwards. */
  readonly #deletedWhileLoading = new Map<string, number>();
  readonly #stop: () => void;
  #loading = true;
  #onChange: ((change: PlacementChange) => void) | undefined;

  private constructor(placement: Placement, prefix: string) {
    this.#stop = placement.watch(prefix, (change) => this.#follow(change));
  }

  static async open(placement: Placement, prefix: string): Promise<WatchedPrefix> {
    const watched = new WatchedPrefix(placement, prefix);
    try {
      for await (const entry of listAll(placement, prefix)) watched.#load(entry);
    } catch (error) {
      watched.close();
      throw error;
    }
    watched.#loading = false;
    watched.#deletedWhileLoading.clear();
    return watched;
  }

  get(key: string): PlacementEntry | undefined {
    return this.#entries.get(key);
  }

  /** In no particular order. */
  entries(): IterableIterator<PlacementEntry> {
    return this.#entries.values();
  }

  /** Calls back for every change from now on, after it shows in `get`. There is one listener at a time. */
  onChange(listener: (change: PlacementChange) => void): void {
    this.#onChange = listener;
  }

  /** Stops following; the entries stay as they are. */
  close(): void {
    this.#stop();
    this.#onChange = undefined;
  }

  #load(entry: PlacementEntry): void {
    const known = this.#entries.get(entry.key)?.revision ?? this.#deletedWhileLoading.get(entry.key) ?? 0;
    if (entry.revision > known) this.#entries.set(entry.key, entry);
  }

  #follow(change: PlacementChange): void {
    const known = this.#entries.get(change.key)?.revision ?? 0;
    if (change.revision <= known) return;
    if (change.type === 'put') {
      this.#entries.set(change.key, { key: change.key, value: change.value, revision: change.revision });
    } else {
      this.#entries.delete(change.key);
      if (this.#loading) this.#deletedWhileLoading.set(change.key, change.revision);
    }
    this.#onChange?.(change);
  }
}
