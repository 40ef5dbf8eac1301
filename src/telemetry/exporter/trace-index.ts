/** Units of a record that are told apart; a record has fewer than 2^12 of them. */
const UNIT_BITS = 12;
const UNITS = 1 << UNIT_BITS;

/**
 * Where the parts of each trace lie in the ring: for a trace id all places of its units, the newest first. Of fixed size; what
 * is oldest is forgotten, by then the ring has written over it. Finds by two words of the trace id, so that who asks compares the rest.
 */
export class TraceIndex {
  readonly #mask: number;
  readonly #capacity: number;
  /** By bucket: number of the newest node plus one. */
  readonly #newest: Float64Array;
  /** By node, modulo the capacity: number of the next older node of the bucket plus one; and position × UNITS + unit. */
  readonly #older: Float64Array;
  readonly #places: Float64Array;
  /** Of the trace id: a record need not be looked at to see that it is of another trace. */
  readonly #words: Uint32Array;
  #count = 0;

  /** `capacity`: places remembered, a power of two. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#mask = capacity / 2 - 1;
    this.#newest = new Float64Array(capacity / 2);
    this.#older = new Float64Array(capacity);
    this.#places = new Float64Array(capacity);
    this.#words = new Uint32Array(capacity);
  }

  /** `trace`: words of the id. */
  add(trace: Uint32Array, position: number, unit: number): void {
    const bucket = trace[0]! & this.#mask;
    const node = this.#count % this.#capacity;
    this.#older[node] = this.#newest[bucket]!;
    this.#places[node] = position * UNITS + unit;
    this.#words[node] = trace[1]!;
    this.#count += 1;
    this.#newest[bucket] = this.#count;
  }

  /** Calls back with every place that may belong to the trace, the newest first. */
  each(trace: Uint32Array, visit: (position: number, unit: number) => void): void {
    for (let next = this.#newest[trace[0]! & this.#mask]!; next > this.#count - this.#capacity && next > 0; ) {
      const node = (next - 1) % this.#capacity;
      const place = this.#places[node]!;
      if (this.#words[node] === trace[1]) visit(Math.floor(place / UNITS), place % UNITS);
      const older = this.#older[node]!;
      if (older >= next) return;
      next = older;
    }
  }
}
