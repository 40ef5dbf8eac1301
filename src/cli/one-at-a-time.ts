/**
 * Work that is asked for again while it is under way, however often, is done once more behind: it never runs beside itself,
 * and what was asked for last is what holds.
 */
export class OneAtATime {
  readonly #work: () => Promise<void>;
  #isUnderWay = false;
  #isAskedAgain = false;

  /** `work` handles its own failures. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  request(): void {
    if (this.#isUnderWay) this.#isAskedAgain = true;
    else void this.#run();
  }

  /** What is under way ends; nothing is done behind it. */
  close(): void {
    this.#isAskedAgain = false;
  }

  async #run(): Promise<void> {
    this.#isUnderWay = true;
    do {
      this.#isAskedAgain = false;
      await this.#work();
    } while (this.#isAskedAgain);
    this.#isUnderWay = false;
  }
}
