const EMPTY = Buffer.alloc(0);

/**
 * The beginning of a packet whose end has not arrived. The read buffer is shared by all connections, so only this part
 * is copied; a connection between packets holds nothing. Grows as bytes arrive, never by what a header merely announces,
 * so that a client which promises a large packet and sends none of it costs nothing.
 */
export class InboundBytes {
  buffer: Buffer = EMPTY;
  length = 0;

  /** Adds what was just read behind what is held. */
  append(source: Uint8Array, start: number, end: number): void {
    const needed = this.length + (end - start);
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(this.buffer.length * 2, needed + 1024 * 1024), 512),
      );
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
    this.buffer.set(source.subarray(start, end), this.length);
    this.length = needed;
  }

  /** Forgets the first `count` bytes: the packets that were complete. */
  consume(count: number): void {
    if (count === this.length) {
      this.buffer = EMPTY;
      this.length = 0;
      return;
    }
    this.buffer.copyWithin(0, count, this.length);
    this.length -= count;
  }
}
