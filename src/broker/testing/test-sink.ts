import type { ByteSink } from '../connection/outbox.ts';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: (() => void) | undefined;
}

/** A socket whose kernel takes only as many bytes as the test has made room for. */
export class TestSink implements ByteSink {
  /** Each element is what one call to the kernel brought. */
  readonly calls: Buffer[] = [];
  #room: number;
  #waiting: Waiting[] = [];
  #corked = false;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.#room = room;
  }

  get writableLength(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get taken(): Buffer {
    return Buffer.concat(this.calls);
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    this.#waiting.push({ bytes, done });
    if (!this.#corked) this.#offer();
    return this.#waiting.length === 0;
  }

  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    this.#corked = false;
    this.#offer();
  }

  makeRoom(bytes: number): void {
    this.#room += bytes;
    this.#offer();
  }

  /** Copies the bytes only now: a buffer that was used again too early shows. */
  #offer(): void {
    const pieces: Uint8Array[] = [];
    const finished: Waiting[] = [];
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]!;
      if (next.bytes.length > this.#room) {
        pieces.push(next.bytes.subarray(0, this.#room));
        this.#waiting[0] = { bytes: next.bytes.subarray(this.#room), done: next.done };
        this.#room = 0;
        break;
      }
      pieces.push(next.bytes);
      this.#room -= next.bytes.length;
      finished.push(next);
      this.#waiting.shift();
    }
    const call = Buffer.concat(pieces);
    if (call.length > 0) this.calls.push(call);
    for (const { done } of finished) done?.();
  }
}
