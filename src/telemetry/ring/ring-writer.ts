import { assert } from '../../base/errors.ts';
import { CHUNK_HEADER_WORDS, CHUNK_WORDS, CONTROL, MAX_RECORD_WORDS, type SharedRing, viewsOf } from './ring-memory.ts';

/** See `isRecent`. */
const RECENT_SHARE = 1 / 4;

/**
 * Writes records into the ring: never waits, never fails, and writes over the oldest. A record is reserved, filled through
 * the views, and completed; between the two nothing else may be reserved. Readers see it when it has been announced.
 */
export class RingWriter {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly #control: Int32Array;
  readonly #capacityWords: number;
  readonly #recentWords: number;
  #chunk: number;
  /** Indexes in `f64`: where the next record goes, and where its chunk ends. */
  #at = 0;
  #chunkEnd = 0;
  /** Position of index 0 in the present round, and its low 32 bits. */
  #round = 0;
  #roundLow = 0;
  #reservedWords = 0;
  /** Spans in all complete records. */
  spans = 0;

  /** `firstChunk`: where positions begin, other than at 0 for tests. */
  constructor(ring: SharedRing, firstChunk = 0) {
    const views = viewsOf(ring);
    this.u8 = views.u8;
    this.u32 = views.u32;
    this.f64 = views.f64;
    this.#control = views.control;
    this.#capacityWords = views.capacityWords;
    this.#recentWords = views.capacityWords * RECENT_SHARE;
    this.#chunk = firstChunk - 1;
    this.#openChunk();
  }

  /** Position of the record reserved last, until it is complete, and of the next one otherwise. Words since the start. */
  get position(): number {
    return this.#round + this.#at;
  }

  /**
   * A record at this position may still be referred to. It is at most a quarter of the ring old, and so was what it
   * refers to when it was written: a record, what it refers to and what that refers to lie within half the ring.
   */
  isRecent(position: number): boolean {
    return this.#round + this.#at - position < this.#recentWords;
  }

  /** What lay there is not certain to be written over yet. */
  mayHold(position: number): boolean {
    return this.#round + this.#at - position < this.#capacityWords;
  }

  /** Index of the first word of a new record in `f64`, twice that in `u32`, eight times in `u8`. Writes its first half word. */
  reserve(kind: number, words: number): number {
    if (this.#at + words > this.#chunkEnd) {
      assert(words <= MAX_RECORD_WORDS, 'a record fits into a chunk');
      this.#openChunk();
    }
    const at = this.#at;
    this.#reservedWords = words;
    this.u32[at * 2] = kind | (words << 16);
    return at;
  }

  /** The reserved record is complete; it stands for so many spans. */
  complete(spans: number): void {
    this.#at += this.#reservedWords;
    this.spans += spans;
  }

  /** Readers see all complete records from now on. An atomic store costs more than a record: once for many. */
  announce(): void {
    Atomics.store(this.#control, CONTROL.head, (this.#roundLow + this.#at) | 0);
  }

  #openChunk(): void {
    if (this.#at < this.#chunkEnd) this.u32[this.#at * 2] = 0;
    this.#chunk += 1;
    // Before a byte of it is written, and by exchange: see ring-memory.ts.
    Atomics.exchange(this.#control, CONTROL.chunk, this.#chunk | 0);
    const position = this.#chunk * CHUNK_WORDS;
    this.#at = position % this.#capacityWords;
    this.#chunkEnd = this.#at + CHUNK_WORDS;
    this.#round = position - this.#at;
    this.#roundLow = this.#round | 0;
    this.u32[this.#at * 2] = this.#chunk;
    this.u32[this.#at * 2 + 1] = 0;
    this.f64[this.#at + 1] = this.spans;
    this.#at += CHUNK_HEADER_WORDS;
    this.announce();
  }
}
