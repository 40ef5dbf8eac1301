import type { Collection, Stored } from './collection.ts';
import { type Placement, type PlacementChange, type PlacementEntry, PlacementError } from './placement.ts';
import { WatchedPrefix } from './watched-prefix.ts';

/**
 * The records of a collection in memory in the form in which they are used, each parsed once and again only when it
 * changes. A change that does not parse is told, and the record stays what it was: half a change must neither lock
 * anyone out nor let anyone in.
 */
export class WatchedCollection<Value, Parsed> {
  readonly #collection: Collection<Value>;
  readonly #parse: (stored: Stored<Value>) => Parsed;
  readonly #onRefused: (error: PlacementError) => void;
  readonly #watched: WatchedPrefix;
  readonly #records = new Map<string, Parsed>();
  #onChange: (() => void) | undefined;
  #version = 1;

  private constructor(
    collection: Collection<Value>,
    parse: (stored: Stored<Value>) => Parsed,
    onRefused: (error: PlacementError) => void,
    watched: WatchedPrefix,
  ) {
    this.#collection = collection;
    this.#parse = parse;
    this.#onRefused = onRefused;
    this.#watched = watched;
    for (const entry of watched.entries()) this.#put(entry);
    watched.onChange((change) => this.#follow(change));
  }

  /**
   * @param parse throws a PlacementError `corrupt`, naming the key, for what cannot be used
   * @param onRefused told of later changes that do not parse
   * @throws PlacementError `corrupt` when what is there already does not parse
   */
  static async open<Value, Parsed>(
    placement: Placement,
    collection: Collection<Value>,
    parse: (stored: Stored<Value>) => Parsed,
    onRefused: (error: PlacementError) => void,
  ): Promise<WatchedCollection<Value, Parsed>> {
    const watched = await WatchedPrefix.open(placement, collection.prefix);
    try {
      return new WatchedCollection(collection, parse, onRefused, watched);
    } catch (error) {
      watched.close();
      throw error;
    }
  }

  /** By name, always the present ones. */
  get records(): ReadonlyMap<string, Parsed> {
    return this.#records;
  }

  /** Grows with every change of the records. */
  get version(): number {
    return this.#version;
  }

  /** Calls back for every change from now on, after it shows in `records`. There is one listener at a time. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Stops following; the records stay as they are. */
  close(): void {
    this.#watched.close();
  }

  #follow(change: PlacementChange): void {
    try {
      if (change.type === 'put') this.#put(change);
      else this.#records.delete(this.#collection.nameOf(change.key));
    } catch (error) {
      if (!(error instanceof PlacementError)) throw error;
      this.#onRefused(error);
      return;
    }
    this.#version += 1;
    this.#onChange?.();
  }

  #put(entry: PlacementEntry): void {
    const stored = this.#collection.decode(entry);
    this.#records.set(stored.name, this.#parse(stored));
  }
}
