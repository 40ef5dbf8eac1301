const CHUNK_BYTES = 256 * 1024;
/** From this size on a batch gets a buffer of its own, so that little of a chunk is wasted. */
const OWN_BUFFER_BYTES = CHUNK_BYTES / 4;

/** A batch's bytes in memory the engine owns. */
export interface HeldBatch {
  readonly buffer: Buffer;
  readonly start: number;
  readonly length: number;
  readonly count: number;
  baseOffset: number;
}

/**
 * Copies batches into chunks that are never written twice: entries handed to readers stay valid however long they are kept, and
 * the collector frees a chunk with the last of them. Batches copied one after the other mostly lie side by side, so that many of
 * them leave in one write without a list of a thousand buffers.
 */
export class BatchArena {
  #chunk = Buffer.alloc(0);
  #used = 0;

  hold(bytes: Uint8Array, count: number): HeldBatch {
    const length = bytes.length;
    if (length >= OWN_BUFFER_BYTES) {
      const own = Buffer.allocUnsafeSlow(length);
      own.set(bytes);
      return { buffer: own, start: 0, length, count, baseOffset: 0 };
    }
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#chunk.set(bytes, start);
    this.#used = start + length;
    return { buffer: this.#chunk, start, length, count, baseOffset: 0 };
  }
}
