/** Something that owes work at the end of the turn. */
export interface TurnTask {
  endTurn(): void;
}

/**
 * One turn of the event loop. All that a turn owes to the journal leaves in one append, all that it owes a socket in
 * one write: one system call for a batch instead of one for each message.
 */
export class Turn {
  #tasks: TurnTask[] = [];
  #spare: TurnTask[] = [];
  #scheduled = false;
  readonly #run = (): void => this.end();

  /** The caller makes sure that a task is added once a turn. */
  add(task: TurnTask): void {
    this.#tasks.push(task);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  end(): void {
    this.#scheduled = false;
    const tasks = this.#tasks;
    this.#tasks = this.#spare;
    for (let index = 0; index < tasks.length; index += 1) tasks[index]!.endTurn();
    tasks.length = 0;
    this.#spare = tasks;
  }
}
