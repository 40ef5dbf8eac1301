import { getRandomValues } from 'node:crypto';
import { OwnTraceIds } from '../records/own-trace-ids.ts';

/** So many traces of this process lie side by side, one behind the other. */
const BLOCK_BITS = 8;
const IN_BLOCK = (1 << BLOCK_BITS) - 1;

/**
 * Hashes of trace ids under a key that no client knows: clients choose ids, and would otherwise choose those that lie in one
 * bucket. Two multiplications for each word, with the key between: not for secrets, but what collides for one key does not
 * for another.
 *
 * Traces of this process are hashed by their numbers, and only blocks of them are spread: what comes together lies together, in
 * memory that the processor has at hand.
 */
export class TraceHash {
  /** Signed, as all of it: numbers of 32 bits are no objects for the engine then. */
  readonly #key: Int32Array;
  readonly #own: OwnTraceIds;
  /** Of the trace hashed last: two signed numbers of 32 bits. */
  bucket = 0;
  check = 0;
  readonly #last = new Uint32Array(4);

  /** `seed`: of this process's trace ids. */
  constructor(seed: Uint32Array, key: Uint32Array = getRandomValues(new Uint32Array(8))) {
    this.#own = new OwnTraceIds(seed);
    this.#key = Int32Array.from(key);
    this.#mix(this.#last);
  }

  /** `trace`: words of the id. */
  take(trace: Uint32Array): void {
    const last = this.#last;
    // Those who share the hash ask for the same trace, one after the other.
    if (trace[0] === last[0] && trace[1] === last[1] && trace[2] === last[2] && trace[3] === last[3]) return;
    last[0] = trace[0]!;
    last[1] = trace[1]!;
    last[2] = trace[2]!;
    last[3] = trace[3]!;
    if (this.#own.has(trace)) this.#place(this.#own.number, trace[3]!);
    else this.#mix(trace);
  }

  /** Within its block the key says which comes first, lest whoever knows numbers chooses those of one place. */
  #place(number: number, check: number): void {
    let block = number >>> BLOCK_BITS;
    block = Math.imul(block ^ this.#key[0]!, 0x2c1b_3c6d);
    block = Math.imul(block ^ (block >>> 15) ^ this.#key[1]!, 0x297a_2d39);
    block ^= block >>> 16;
    this.bucket = (block << BLOCK_BITS) | ((number ^ (block >>> (32 - BLOCK_BITS))) & IN_BLOCK);
    this.check = check | 0;
  }

  #mix(trace: Uint32Array): void {
    const key = this.#key;
    let a = key[0]!;
    let b = key[1]!;
    for (let word = 0; word < 4; word += 1) {
      const keyed = trace[word]! ^ key[2 + word]!;
      a = Math.imul(a ^ keyed ^ (keyed >>> 15), 0x2c1b_3c6d);
      b = Math.imul((b + keyed) ^ (a >>> 13), 0x297a_2d39);
      a ^= b >>> 16;
    }
    this.bucket = a ^ (b >>> 15) ^ key[6]!;
    this.check = Math.imul(b ^ (a >>> 11), 0x1b56_c4e9) ^ key[7]!;
  }
}
