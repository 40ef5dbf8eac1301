/**
 * Lets a bounded number of tasks run at once, and a bounded number wait for their turn. Hashing takes a thread of the
 * pool that disk writes need too, so a crowd of connecting clients must never have all of them.
 */
export class Slots {
  readonly #limit: number;
  readonly #waitingLimit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number, waitingLimit: number) {
    this.#limit = limit;
    this.#waitingLimit = waitingLimit;
  }

  /** Undefined, at once, when all places in the queue are taken. */
  run<Result>(task: () => Promise<Result>): Promise<Result> | undefined {
    if (this.#running < this.#limit) {
      this.#running += 1;
      return this.#execute(task);
    }
    if (this.#waiting.length >= this.#waitingLimit) return undefined;
    // The slot is handed over by the task that ends, so `#running` stays as it is.
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#execute(task));
  }

  async #execute<Result>(task: () => Promise<Result>): Promise<Result> {
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
