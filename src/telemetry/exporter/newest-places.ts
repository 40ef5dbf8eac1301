/** Where a trace was met: enough to find all of it again. */
export interface TracePlace {
  readonly position: number;
  readonly unit: number;
  /** Words of the id. */
  readonly trace: Uint32Array;
}

/** The places added last, up to a number of them. */
export class NewestPlaces {
  readonly #places: TracePlace[] = [];
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(position: number, unit: number, trace: Uint32Array): void {
    this.#places[this.#count % this.#limit] = { position, unit, trace: trace.slice() };
    this.#count += 1;
  }

  get newestFirst(): readonly TracePlace[] {
    const next = this.#count <= this.#limit ? this.#places.length : this.#count % this.#limit;
    return [...this.#places.slice(next), ...this.#places.slice(0, next)].reverse();
  }
}
