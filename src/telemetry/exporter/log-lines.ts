import type { SignalDropReason } from './signal-figures.ts';

/** Lines that wait here or on the way to the thread. More is a thread that does not keep up, or is gone. */
const MAX_LINES = 4096;
const BATCH_LINES = 512;
/** How long a line waits for others. */
const MAX_WAIT_MS = 500;

/** The other thread, as seen from here. */
export interface LineTaker {
  take(lines: readonly string[]): void;
  /** Lines that it has got so far. */
  readonly taken: number;
}

/** Lines of the log on their way to the exporter's thread: in batches, and bounded. */
export class LogLines {
  readonly #dropped: Record<SignalDropReason, number> = { queue_full: 0, rejected: 0, shutdown: 0 };
  #taker: LineTaker | undefined;
  #waiting: string[] = [];
  #handed = 0;
  #timer: NodeJS.Timeout | undefined;
  #isMuted = false;
  #isClosed = false;

  /** Lines that never got to the thread. */
  dropped(reason: SignalDropReason): number {
    return this.#dropped[reason];
  }

  add(line: string): void {
    if (this.#isMuted) return;
    if (this.#isClosed) this.#dropped.shutdown += 1;
    else if (this.#waiting.length + this.#underWay >= MAX_LINES) this.#dropped.queue_full += 1;
    else {
      this.#waiting.push(line);
      if (this.#waiting.length >= BATCH_LINES) this.#hand();
      else this.#timer ??= setTimeout(() => this.#hand(), MAX_WAIT_MS).unref();
    }
  }

  /** What is written meanwhile stays on standard error: a failure to export the log must not make more of it to export. */
  muted(write: () => void): void {
    this.#isMuted = true;
    try {
      write();
    } finally {
      this.#isMuted = false;
    }
  }

  /** Hands over what was written before there was a thread, and from now on what is written. */
  start(taker: LineTaker): void {
    this.#taker = taker;
    this.#hand();
  }

  /** Hands over the last lines. What is written afterwards is dropped and counted. */
  close(): void {
    this.#hand();
    this.#isClosed = true;
    this.#dropped.shutdown += this.#waiting.length;
    this.#waiting = [];
  }

  /** The thread is gone, and with it what it has not got. */
  lose(): void {
    this.#dropped.shutdown += this.#underWay;
    this.#taker = undefined;
    this.close();
  }

  get #underWay(): number {
    return this.#taker === undefined ? 0 : this.#handed - this.#taker.taken;
  }

  #hand(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#taker === undefined || this.#waiting.length === 0) return;
    this.#handed += this.#waiting.length;
    this.#taker.take(this.#waiting);
    this.#waiting = [];
  }
}
