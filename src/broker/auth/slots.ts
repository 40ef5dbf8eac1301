/**
 * Lets a bounded number of tasks run at once, and a bounded number wait for their turn. Hashing takes a thread of the
 * pool that disk writes need too, so a crowd of connecting clients must never have all of them. Turns go round among the
 * owners of tasks, so that one who asks for much waits for itself.
 */
export class Slots {
  readonly #limit: number;
  readonly #waitingLimit: number;
  /** By owner, in the order of their next turns; none is empty. */
  readonly #waiting = new Map<string, Waiting[]>();
  #waitingCount = 0;
  #running = 0;

  constructor(limit: number, waitingLimit: number) {
    this.#limit = limit;
    this.#waitingLimit = waitingLimit;
  }

  /**
   * Undefined when there is no place in the queue: at once where no owner waits for clearly more than this one, and
   * otherwise it is the last task of that owner that gives way.
   */
  run<Result>(owner: string, task: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#running < this.#limit) {
      this.#running += 1;
      return this.#execute(task);
    }
    const own = this.#waiting.get(owner) ?? [];
    if (this.#waitingCount >= this.#waitingLimit && !this.#makeRoom(own.length)) return Promise.resolve(undefined);
    this.#waiting.set(owner, own);
    this.#waitingCount += 1;
    const turn = new Promise<Turn>((resolve) => own.push(resolve));
    // The slot is handed over by the task that ends, so `#running` stays as it is.
    return turn.then((given) => (given === 'yours' ? this.#execute(task) : undefined));
  }

  async #execute<Result>(task: () => Promise<Result>): Promise<Result> {
    try {
      return await task();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#running -= 1;
      else next('yours');
    }
  }

  #next(): Waiting | undefined {
    for (const [owner, tasks] of this.#waiting) {
      // Behind all others for its next turn.
      this.#waiting.delete(owner);
      const next = tasks.shift();
      if (tasks.length > 0) this.#waiting.set(owner, tasks);
      this.#waitingCount -= 1;
      return next;
    }
    return undefined;
  }

  /** Sends away the last task of the owner that has most, if it still has more than `own` and one then. */
  #makeRoom(own: number): boolean {
    let most: Waiting[] = [];
    for (const tasks of this.#waiting.values()) if (tasks.length > most.length) most = tasks;
    if (most.length <= own + 1) return false;
    this.#waitingCount -= 1;
    most.pop()?.('taken');
    return true;
  }
}

type Turn = 'yours' | 'taken';
type Waiting = (turn: Turn) => void;
