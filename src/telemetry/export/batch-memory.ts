/** More are not kept: as many as requests are made at once, and those that are being filled. */
const MAX_KEPT = 8;

/**
 * Memory of batches that have left, for those to come: the first touch of fresh memory costs more than filling it, and buffers
 * that are let go make the collector of garbage run.
 */
export class BatchMemory {
  readonly #bytes: number;
  readonly #kept: ArrayBuffer[] = [];

  /** `bytes`: as large as most batches are at most. Larger ones get memory of their own. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  readonly take = (bytes: number): Uint8Array => {
    if (bytes > this.#bytes) return Buffer.allocUnsafeSlow(bytes);
    const memory = this.#kept.pop() ?? Buffer.allocUnsafeSlow(this.#bytes).buffer;
    return new Uint8Array(memory, 0, bytes);
  };

  /** Nobody may look at these bytes any more. Any that `take` has not given are left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#bytes && this.#kept.length < MAX_KEPT) this.#kept.push(buffer as ArrayBuffer);
  }
}
