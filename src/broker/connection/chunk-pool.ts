/** Two sizes serve both a PUBACK and a burst; a connection with nothing to send holds neither. */
export const SMALL_CHUNK_BYTES = 4 * 1024;
export const LARGE_CHUNK_BYTES = 64 * 1024;

/**
 * Output buffers shared by all connections. What is given back is kept up to a limit, so that a burst to many
 * subscribers does not stay in memory for ever.
 */
export class ChunkPool {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];
  readonly #keep: number;

  /** `keep`: how many idle chunks of each size stay allocated. */
  constructor(keep = 256) {
    this.#keep = keep;
  }

  /** A chunk that holds at least `bytes`; beyond the large size it is allocated for the occasion. */
  take(bytes: number): Buffer {
    if (bytes <= SMALL_CHUNK_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_CHUNK_BYTES);
    if (bytes <= LARGE_CHUNK_BYTES) return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_CHUNK_BYTES);
    return Buffer.allocUnsafeSlow(bytes);
  }

  release(chunk: Buffer): void {
    if (chunk.length === SMALL_CHUNK_BYTES) {
      if (this.#small.length < this.#keep) this.#small.push(chunk);
    } else if (chunk.length === LARGE_CHUNK_BYTES && this.#large.length < this.#keep) this.#large.push(chunk);
  }
}
