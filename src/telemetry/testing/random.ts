import { getRandomValues } from 'node:crypto';

/**
 * Random 32-bit integers at a few nanoseconds each, for ids and sampling; not for secrets.
 * sfc32, from PractRand by Chris Doty-Humphrey: 128 bits of state, a period of at least 2^32 from any seed.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** The same four 32-bit words give the same sequence. */
  constructor(seed: ArrayLike<number>) {
    this.#a = seed[0]! | 0;
    this.#b = seed[1]! | 0;
    this.#c = seed[2]! | 0;
    this.#counter = seed[3]! | 1;
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** A seed from the operating system: no two processes share ids. */
  static seeded(): Random {
    return new Random(getRandomValues(new Uint32Array(4)));
  }

  /** Uniform over all 32-bit patterns, as a signed integer. */
  next(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    this.#c |= 0;
    return result;
  }
}
