import type { TraceHash } from './trace-hash.ts';

/** Units of a record that are told apart; a record has fewer than 2^12 of them. */
const UNIT_BITS = 12;
const UNITS = 1 << UNIT_BITS;
const TWO_32 = 2 ** 32;
/** Of those with one bucket, few have one trace. */
const PLACES_A_BUCKET = 2;

/** Of a node, in 32-bit words: it lies in one cache line, since nodes are met in no order. */
const NODE_WORDS = 4;
const NODE = { older: 0, check: 1, placeLow: 2, placeHigh: 3 } as const;
/** In `placeHigh`: the part has been handed on. */
const SHOWN = 1 << 31;

/** Places of one trace. Reused. */
export class TracePlaces {
  count = 0;
  readonly positions: number[] = [];
  readonly units: number[] = [];
  readonly nodes: number[] = [];
  readonly #max: number;

  /** `max`: no more are taken, of those that are asked for the newest. */
  constructor(max: number) {
    this.#max = max;
  }

  get isFull(): boolean {
    return this.count === this.#max;
  }

  add(position: number, unit: number, node: number): void {
    this.positions[this.count] = position;
    this.units[this.count] = unit;
    this.nodes[this.count] = node;
    this.count += 1;
  }
}

/**
 * Where the parts of each trace lie in the ring, and which of them have been handed on. Of fixed size; what is oldest is
 * forgotten, by then the ring has written over it. Finds by hashes, so that who asks compares the trace id.
 */
export class TraceIndex {
  readonly #hash: TraceHash;
  readonly #mask: number;
  readonly #capacity: number;
  /** By bucket: number of the newest node plus one, its low 32 bits; 0: none. */
  readonly #newest: Int32Array;
  /** By node, modulo the capacity: number plus one of the next older in its bucket, a hash of the trace, position × UNITS + unit. */
  readonly #nodes: Int32Array;
  /** Of nodes, the low 32 bits. */
  #count = 0;

  /** `capacity`: places remembered, a power of two. */
  constructor(capacity: number, hash: TraceHash) {
    this.#hash = hash;
    this.#capacity = capacity;
    const buckets = capacity / PLACES_A_BUCKET;
    this.#mask = buckets - 1;
    this.#newest = new Int32Array(buckets);
    this.#nodes = new Int32Array(capacity * NODE_WORDS);
  }

  /** `trace`: words of the id. */
  add(trace: Uint32Array, position: number, unit: number, isShown: boolean): void {
    this.#hash.take(trace);
    const bucket = this.#hash.bucket & this.#mask;
    const nodes = this.#nodes;
    const at = this.#at(this.#count);
    const place = position * UNITS + unit;
    const high = Math.floor(place / TWO_32);
    nodes[at + NODE.older] = this.#newest[bucket]!;
    nodes[at + NODE.check] = this.#hash.check;
    nodes[at + NODE.placeLow] = place - high * TWO_32;
    nodes[at + NODE.placeHigh] = isShown ? high | SHOWN : high;
    this.#count = (this.#count + 1) | 0;
    this.#newest[bucket] = this.#count;
  }

  /** The places that may belong to the trace, the newest first; `all` or only those that have not been handed on. */
  find(trace: Uint32Array, out: TracePlaces, which: 'all' | 'waiting'): void {
    this.#hash.take(trace);
    const { check } = this.#hash;
    const nodes = this.#nodes;
    const skipped = which === 'all' ? 0 : SHOWN;
    let age = -1;
    out.count = 0;
    for (let next = this.#newest[this.#hash.bucket & this.#mask]!; next !== 0 && !out.isFull; ) {
      const nextAge = (this.#count - next) >>> 0;
      // A node that was forgotten, or one that has been written over by a newer.
      if (nextAge >= this.#capacity || nextAge <= age) return;
      age = nextAge;
      const at = this.#at(next - 1);
      const high = nodes[at + NODE.placeHigh]!;
      if (nodes[at + NODE.check] === check && (high & skipped) === 0) {
        const place = (high & ~SHOWN) * TWO_32 + (nodes[at + NODE.placeLow]! >>> 0);
        out.add(Math.floor(place / UNITS), place % UNITS, at);
      }
      next = nodes[at + NODE.older]!;
    }
  }

  /** The part has been handed on. `node`: of TracePlaces, before anything is added. */
  shown(node: number): void {
    this.#nodes[node + NODE.placeHigh]! |= SHOWN;
  }

  #at(node: number): number {
    return (node & (this.#capacity - 1)) * NODE_WORDS;
  }
}
