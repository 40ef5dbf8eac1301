/** As much as a TCP socket brings at once. */
export const SLICE_BYTES = 64 * 1024;

/** What brings messages, and can be told to wait. */
export interface MessageSource {
  pause(): void;
  resume(): void;
}

/**
 * Hands up what messages hold, a slice in each turn of the event loop: a message may be as large as the largest packet, and
 * consist of half a million small ones, for which everybody else would wait.
 */
export class SlicedReads {
  readonly #source: MessageSource;
  readonly #read: (bytes: Buffer) => boolean;
  /** `yielding`: goes on in the next turn. `paused`: goes on when told so. */
  #state: 'reading' | 'yielding' | 'paused' | 'closed' = 'reading';
  #waiting: Buffer[] = [];
  /** Of the first that waits, what has been handed up. */
  #at = 0;
  #onEnd: (() => void) | undefined;

  /** `read`: false for no more until `resume`. */
  constructor(source: MessageSource, read: (bytes: Buffer) => boolean) {
    this.#source = source;
    this.#read = read;
  }

  push(message: Buffer): void {
    if (message.length === 0 || this.#state === 'closed') return;
    this.#waiting.push(message);
    if (this.#state === 'reading') this.#handUp();
  }

  resume(): void {
    if (this.#state === 'paused') this.#goOn();
  }

  /** Nothing more comes: `onEnd` is called behind what goes on by itself; what would wait for the reader is lost. */
  end(onEnd: () => void): void {
    if (this.#state === 'yielding') this.#onEnd = onEnd;
    else onEnd();
  }

  /** Hands up no more; the source goes on, unheard. */
  close(): void {
    this.#state = 'closed';
    this.#waiting = [];
    this.#source.resume();
  }

  #handUp(): void {
    for (let left = SLICE_BYTES; left > 0 && this.#waiting.length > 0; ) {
      const slice = this.#take(left);
      left -= slice.length;
      const goesOn = this.#read(slice);
      if (this.#isClosed()) return;
      if (goesOn) continue;
      this.#state = 'paused';
      this.#source.pause();
      return;
    }
    if (this.#waiting.length > 0) this.#goOn();
  }

  #take(atMost: number): Buffer {
    const first = this.#waiting[0]!;
    const end = Math.min(first.length, this.#at + atMost);
    const slice = first.subarray(this.#at, end);
    this.#at = end;
    if (end === first.length) {
      this.#waiting.shift();
      this.#at = 0;
    }
    return slice;
  }

  #goOn(): void {
    if (this.#waiting.length === 0) {
      this.#state = 'reading';
      this.#source.resume();
      this.#onEnd?.();
      return;
    }
    this.#state = 'yielding';
    this.#source.pause();
    setImmediate(() => this.#continue());
  }

  #continue(): void {
    if (this.#isClosed()) return;
    this.#state = 'reading';
    this.#handUp();
    if (this.#state === 'reading') this.#goOn();
  }

  /** Also by what is called in between. */
  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}
