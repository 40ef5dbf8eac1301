import type { ByteSink } from '../connection/outbox.ts';

/** What may be on its way without the connection counting as blocked. */
const PASSING_BYTES = 64 * 1024;

/**
 * For streams that take bytes now and are done with them later, as TLS does however much room the kernel has. They get a
 * copy, so that the writer has its buffer back at once, and only a backlog is told of.
 */
export class CopyingSink implements ByteSink {
  readonly #target: ByteSink;

  constructor(target: ByteSink) {
    this.#target = target;
  }

  get writableLength(): number {
    const length = this.#target.writableLength;
    return length <= PASSING_BYTES ? 0 : length;
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    return this.#target.write(bytes.length === 0 ? bytes : Buffer.from(bytes), done);
  }

  cork(): void {
    this.#target.cork();
  }

  uncork(): void {
    this.#target.uncork();
  }
}
