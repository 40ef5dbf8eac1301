import { getRandomValues } from 'node:crypto';

/**
 * Hashes of trace ids under a key that no client knows: clients choose ids, and would otherwise choose those that lie in one
 * bucket. Two multiplications for each word, with the key between: not for secrets, but what collides for one key does not
 * for another.
 */
export class TraceHash {
  readonly #key: Uint32Array;
  /** Of the trace hashed last. */
  bucket = 0;
  check = 0;
  readonly #last = new Uint32Array(4);

  constructor(key: Uint32Array = getRandomValues(new Uint32Array(8))) {
    this.#key = key;
    this.#mix(this.#last);
  }

  /** `trace`: words of the id. */
  take(trace: Uint32Array): void {
    const last = this.#last;
    // Those who share the hash ask for the same trace, one after the other.
    if (trace[0] === last[0] && trace[1] === last[1] && trace[2] === last[2] && trace[3] === last[3]) return;
    for (let word = 0; word < 4; word += 1) last[word] = trace[word]!;
    this.#mix(trace);
  }

  #mix(trace: Uint32Array): void {
    const key = this.#key;
    let [a, b] = [key[0]!, key[1]!];
    for (let word = 0; word < 4; word += 1) {
      const keyed = trace[word]! ^ key[2 + word]!;
      a = Math.imul(a ^ keyed ^ (keyed >>> 15), 0x2c1b_3c6d);
      b = Math.imul((b + keyed) ^ (a >>> 13), 0x297a_2d39);
      a ^= b >>> 16;
    }
    this.bucket = (a ^ (b >>> 15) ^ key[6]!) >>> 0;
    this.check = (Math.imul(b ^ (a >>> 11), 0x1b56_c4e9) ^ key[7]!) >>> 0;
  }
}
