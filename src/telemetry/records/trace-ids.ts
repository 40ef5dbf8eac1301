import { getRandomValues } from 'node:crypto';
import { highDecidingBits } from './deciding-bits.ts';

/** Words of a seed: one for each word of an identity. */
export const SEED_WORDS = 6;
const ALL = 2 ** 32;

/**
 * The n-th identity of this process: trace id (4 words) and span id (2), so that a record that stands for many messages
 * need only say which numbers they have. Each word is a bijection of the low 32 bits of n, under a seed of its own from the
 * operating system: no two of 2^32 numbers have a trace id or a span id in common. The next 2^32 have other seeds, as has
 * another process; that they share an id takes a coincidence of 96 bits of seeds.
 */
export class TraceIds {
  readonly #seed: Uint32Array;
  readonly #seedOfEpoch = new Uint32Array(SEED_WORDS);
  #epochStart = -1;
  /** Number of the next identity that is given out. */
  next = 0;

  constructor(seed: Uint32Array) {
    this.#seed = seed;
  }

  static randomSeed(): Uint32Array {
    return getRandomValues(new Uint32Array(SEED_WORDS));
  }

  /** Gives out the next identity. The span id's last byte is 1: the message's first span. */
  take(out: Uint32Array, at: number): void {
    this.write(this.next, out, at);
    this.next += 1;
  }

  /** Gives out the span id (2 words) of the next identity: for a span of its own in a trace that there is already. */
  takeSpanId(out: Uint32Array, at: number): void {
    const low = this.#enter(this.next);
    this.next += 1;
    out[at] = mix(low ^ this.#seedOfEpoch[4]!);
    out[at + 1] = withStage(mix(low ^ this.#seedOfEpoch[5]!), 1);
  }

  write(n: number, out: Uint32Array, at: number): void {
    const low = this.#enter(n);
    const seed = this.#seedOfEpoch;
    out[at] = mix(low ^ seed[0]!);
    out[at + 1] = mix(low ^ seed[1]!);
    out[at + 2] = mix(low ^ seed[2]!);
    out[at + 3] = mix(low ^ seed[3]!);
    out[at + 4] = mix(low ^ seed[4]!);
    out[at + 5] = withStage(mix(low ^ seed[5]!), 1);
  }

  /** The deciding bits (see decidingBits) of the n-th identity alone. */
  decidingBitsOf(n: number): number {
    const low = this.#enter(n);
    const seed = this.#seedOfEpoch;
    return (highDecidingBits(mix(low ^ seed[2]!)) | (mix(low ^ seed[3]!) & 0xff)) >>> 0;
  }

  /**
   * Which of `count` identities, the first of them the n-th, have deciding bits that reach a threshold; by position. Asked of every
   * message, whose ids nobody may want.
   */
  reaching(threshold: number, n: number, count: number, out: number[]): void {
    const seed = this.#seedOfEpoch;
    out.length = 0;
    for (let index = 0; index < count; index += 1) {
      const high = highDecidingBits(mix(this.#enter(n + index) ^ seed[2]!));
      // Mostly said by these, since rates are low.
      if ((high | 0xff) >>> 0 >= threshold && this.decidingBitsOf(n + index) >= threshold) out.push(index);
    }
  }

  /** The low 32 bits of n, for which the seeds are right now. */
  #enter(n: number): number {
    const low = n >>> 0;
    if (n - low !== this.#epochStart) this.#enterEpoch((n - low) / ALL);
    return low;
  }

  #enterEpoch(epoch: number): void {
    this.#epochStart = epoch * ALL;
    writeSeedOfEpoch(this.#seed, epoch, this.#seedOfEpoch);
  }
}

/** What the low 32 bits of numbers are mixed with, whose others are `epoch`: a word for each of an identity. */
export function writeSeedOfEpoch(seed: Uint32Array, epoch: number, out: Uint32Array): void {
  for (let word = 0; word < SEED_WORDS; word += 1) out[word] = mix(seed[word]! ^ mix(epoch + word * 0x9e3779b9));
}

/**
 * The spans of one record share seven bytes of their ids: the last byte says which of them it is, and is never 0, so that
 * no id is "no span" (W3C Trace Context, section 3.2.2.4). `word`: the last of the span id.
 */
export function withStage(word: number, stage: number): number {
  return (word & 0x00ff_ffff) | (stage << 24);
}

/**
 * The bijection of 32 bits with the least bias that is known for two multiplications (github.com/skeeto/hash-prospector,
 * public domain). MurmurHash3's finaliser is measurably uneven on consecutive numbers.
 */
export function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return h ^ (h >>> 15);
}

/** What `mix` made this value of. The factors are the inverses of those above, modulo 2^32. */
export function unmix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 15) ^ (h >>> 30), 0x97132227);
  h = Math.imul(h ^ (h >>> 15) ^ (h >>> 30), 0x333c4925);
  return h ^ (h >>> 16);
}
