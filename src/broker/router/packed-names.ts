/** A topic name is at most 65,535 bytes; its length and its words fit here. */
const LONGEST_WORDS = 1 + Math.ceil(65_535 / 4);
const FIRST_WORDS = 4096;

/**
 * Names as 32-bit words in one slab, behind their length. Reading the bytes once gives both the hash and what to
 * compare, and comparing reads the slab only: a third of the time of comparing byte by byte.
 */
export class PackedNames {
  readonly #seed: number;
  /** The name packed last: its length, then its words. */
  readonly #packed = new Int32Array(LONGEST_WORDS);
  #slab = new Int32Array(FIRST_WORDS);
  #used = 0;

  /** `seed` is a random 32-bit number, which keeps clients from choosing names that collide. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Packs the name, for `isAt` and `store`, and returns its hash. */
  pack(buffer: Uint8Array, start: number, end: number): number {
    const packed = this.#packed;
    packed[0] = end - start;
    let hash = this.#seed ^ (end - start);
    let index = 1;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
      packed[index] = word;
      index += 1;
      hash = Math.imul(hash ^ word, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    if (at < end) {
      let rest = 0;
      for (; at < end; at += 1) rest = (rest << 8) | buffer[at]!;
      packed[index] = rest;
      hash = Math.imul(hash ^ rest, 0x9e37_79b1);
    }
    hash = Math.imul(hash ^ (hash >>> 13), 0x85eb_ca6b);
    return hash ^ (hash >>> 16);
  }

  /** Whether the name packed last is the one stored at `position`. */
  isAt(position: number): boolean {
    const packed = this.#packed;
    const slab = this.#slab;
    const words = wordsOf(packed[0]!);
    for (let index = 0; index < words; index += 1) if (slab[position + index] !== packed[index]) return false;
    return true;
  }

  /** Stores the name packed last and returns its position. */
  store(): number {
    const words = wordsOf(this.#packed[0]!);
    const position = this.#used;
    if (position + words > this.#slab.length) {
      const larger = new Int32Array(Math.max(this.#slab.length * 2, position + words));
      larger.set(this.#slab);
      this.#slab = larger;
    }
    this.#slab.set(this.#packed.subarray(0, words), position);
    this.#used = position + words;
    return position;
  }

  /** Forgets every stored name. */
  clear(): void {
    this.#slab = new Int32Array(FIRST_WORDS);
    this.#used = 0;
  }
}

function wordsOf(length: number): number {
  return 1 + ((length + 3) >>> 2);
}
