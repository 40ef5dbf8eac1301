import { mix, SEED_WORDS, unmix, writeSeedOfEpoch } from './trace-ids.ts';

/**
 * Tells the trace ids that this process gave out (trace-ids.ts) from those of others, by their numbers: messages that come one behind
 * the other have numbers that do, while their ids have nothing in common. Epochs are followed as their ids come; ids of
 * epochs that are long over are taken for others'.
 */
export class OwnTraceIds {
  readonly #seed: Uint32Array;
  #epoch = 0;
  #before = new Uint32Array(SEED_WORDS);
  #present = new Uint32Array(SEED_WORDS);
  #next = new Uint32Array(SEED_WORDS);
  /** Low 32 bits, signed, of the number that `has` found last. */
  number = 0;

  /** `seed`: as TraceIds has it. */
  constructor(seed: Uint32Array) {
    this.#seed = seed;
    writeSeedOfEpoch(seed, 0, this.#before);
    writeSeedOfEpoch(seed, 0, this.#present);
    writeSeedOfEpoch(seed, 1, this.#next);
  }

  /** `trace`: words of the id. */
  has(trace: Uint32Array): boolean {
    if (this.#isOf(this.#present, trace) || this.#isOf(this.#before, trace)) return true;
    if (!this.#isOf(this.#next, trace)) return false;
    this.#enterNext();
    return true;
  }

  #isOf(seed: Uint32Array, trace: Uint32Array): boolean {
    const low = unmix(trace[0]!) ^ seed[0]!;
    if ((mix(low ^ seed[1]!) ^ trace[1]!) !== 0) return false;
    if ((mix(low ^ seed[2]!) ^ trace[2]!) !== 0 || (mix(low ^ seed[3]!) ^ trace[3]!) !== 0) return false;
    this.number = low;
    return true;
  }

  #enterNext(): void {
    this.#epoch += 1;
    const before = this.#before;
    this.#before = this.#present;
    this.#present = this.#next;
    this.#next = before;
    writeSeedOfEpoch(this.#seed, this.#epoch + 1, this.#next);
  }
}
