import { type AppendResult, type Journal, JournalError } from '../../journal/journal.ts';
import type { RecordBatch } from '../../journal/record-batch.ts';
import { replacing } from './replacing.ts';

/** What the test lets an append come to. */
type Verdict = 'commit' | 'fail';

/** A journal whose appends to one shard wait for the test's word; everything else is the journal's own. */
export class ControlledJournal implements Disposable {
  /** Records of each append that waits, oldest first. */
  readonly waiting: number[] = [];
  readonly #verdicts: ((verdict: Verdict) => void)[] = [];
  readonly journal: Journal;
  #isLeft = false;

  constructor(inner: Journal, shard: string) {
    const append = async (name: string, batch: RecordBatch): Promise<AppendResult> => {
      if (name !== shard || this.#isLeft) return inner.append(name, batch);
      this.waiting.push(batch.count);
      const verdict = await new Promise<Verdict>((resolve) => this.#verdicts.push(resolve));
      if (verdict === 'fail') throw new JournalError('no_space', 'the disk is full');
      return inner.append(name, batch);
    };
    this.journal = replacing(inner, { append });
  }

  /** Lets the oldest waiting append succeed or fail. */
  settle(verdict: Verdict): void {
    this.waiting.shift();
    this.#verdicts.shift()!(verdict);
  }

  /** Leaves the journal to itself, so that whoever uses it can come to an end. */
  [Symbol.dispose](): void {
    this.#isLeft = true;
    while (this.waiting.length > 0) this.settle('commit');
  }
}
