import { CHUNK_WORDS } from '../ring/ring-memory.ts';

/**
 * What becomes of the spans that were read: they can be handed on as long as they lie in the ring. Those that were not by
 * the time they are written over are unsampled. Counts by chunk, so that nothing is counted twice or missed.
 */
export class WindowAccount {
  readonly #chunks: number;
  readonly #read: Float64Array;
  readonly #handed: Float64Array;
  #oldestChunk = 0;
  /** Spans that left the window without being handed on. */
  unsampled = 0;
  /** Spans read that may still be handed on. */
  undecided = 0;
  /** Spans read. */
  readSpans = 0;

  constructor(chunks: number) {
    this.#chunks = chunks;
    this.#read = new Float64Array(chunks);
    this.#handed = new Float64Array(chunks);
  }

  read(position: number, spans: number): void {
    this.#read[this.#slot(position)]! += spans;
    this.undecided += spans;
    this.readSpans += spans;
  }

  handed(position: number, spans: number): void {
    this.#handed[this.#slot(position)]! += spans;
    this.undecided -= spans;
  }

  /** What lies before `oldest` can no longer be handed on. */
  forget(oldest: number): void {
    const end = Math.floor(oldest / CHUNK_WORDS);
    // After more than one round every slot has been counted.
    for (let chunk = Math.max(this.#oldestChunk, end - this.#chunks); chunk < end; chunk += 1) {
      const slot = chunk % this.#chunks;
      const left = this.#read[slot]! - this.#handed[slot]!;
      this.unsampled += left;
      this.undecided -= left;
      this.#read[slot] = 0;
      this.#handed[slot] = 0;
    }
    this.#oldestChunk = Math.max(this.#oldestChunk, end);
  }

  #slot(position: number): number {
    return Math.floor(position / CHUNK_WORDS) % this.#chunks;
  }
}
