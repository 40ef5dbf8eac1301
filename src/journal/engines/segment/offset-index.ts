/** A block is a run of batches at least this long: the unit in which a segment is read and its topics are indexed. */
const BLOCK_BYTES = 4096;
const INITIAL_LENGTH = 128;

/** Where the blocks of a segment begin: offset relative to the segment's base, and byte position. */
export class OffsetIndex {
  #entries: Uint32Array;
  #count: number;

  private constructor(entries: Uint32Array, count: number) {
    this.#entries = entries;
    this.#count = count;
  }

  static empty(): OffsetIndex {
    return new OffsetIndex(new Uint32Array(INITIAL_LENGTH), 0);
  }

  /** @param body as `encode` wrote it */
  static decode(body: Uint8Array): OffsetIndex {
    const entries = new Uint32Array(body.length >>> 2);
    new Uint8Array(entries.buffer).set(body.subarray(0, entries.byteLength));
    return new OffsetIndex(entries, entries.length >>> 1);
  }

  /** Pairs of u32 (little-endian on every platform Node runs on). */
  encode(): Uint8Array {
    return new Uint8Array(this.#entries.buffer, 0, this.#count * 8);
  }

  get blocks(): number {
    return this.#count;
  }

  relativeOffset(block: number): number {
    return this.#entries[block * 2]!;
  }

  position(block: number): number {
    return this.#entries[block * 2 + 1]!;
  }

  /** Notes a batch; returns the block it belongs to. */
  add(relativeOffset: number, position: number): number {
    if (this.#count > 0 && position - this.position(this.#count - 1) < BLOCK_BYTES) return this.#count - 1;
    if (this.#count * 2 === this.#entries.length) {
      const larger = new Uint32Array(Math.max(INITIAL_LENGTH, this.#entries.length * 2));
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[this.#count * 2] = relativeOffset;
    this.#entries[this.#count * 2 + 1] = position;
    this.#count += 1;
    return this.#count - 1;
  }

  /** The last block that begins at or below the offset. */
  find(relativeOffset: number): number {
    let low = 0;
    let high = this.#count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.relativeOffset(middle) <= relativeOffset) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Forgets the blocks that begin at or behind `bytes`. */
  truncate(bytes: number): void {
    while (this.#count > 0 && this.position(this.#count - 1) >= bytes) this.#count -= 1;
  }
}
