import { toJournalError } from './disk-error.ts';
import type { Segment } from './segment.ts';
import type { ShardEnvironment } from './shard-environment.ts';

/**
 * Deletes segments in the background, oldest first and each durably before the next: a crash in between must leave a log without
 * a gap. One that cannot be deleted is tried again with the next removal.
 */
export class SegmentRemover {
  readonly #shard: string;
  readonly #folder: string;
  readonly #environment: ShardEnvironment;
  #doomed: Segment[] = [];
  #work: Promise<void> = Promise.resolve();

  constructor(shard: string, folder: string, environment: ShardEnvironment) {
    this.#shard = shard;
    this.#folder = folder;
    this.#environment = environment;
  }

  remove(segments: readonly Segment[], after: Promise<void>): void {
    this.#doomed.push(...segments);
    this.#work = this.#work.then(() => after).then(() => this.#removeAll());
  }

  /** When all removals so far are done or have failed. */
  settled(): Promise<void> {
    return this.#work;
  }

  async #removeAll(): Promise<void> {
    const { disk, files, onEvent } = this.#environment;
    try {
      for (let segment = this.#doomed[0]; segment !== undefined; segment = this.#doomed[0]) {
        await files.forget(segment.logPath);
        await disk.remove(segment.topicsPath);
        await disk.remove(segment.indexPath);
        await disk.remove(segment.logPath);
        await disk.syncFolder(this.#folder);
        this.#doomed.shift();
      }
    } catch (cause) {
      const error = toJournalError(cause, `cannot remove a segment of shard "${this.#shard}"`);
      onEvent({ kind: 'housekeeping_failed', shard: this.#shard, error });
    }
  }
}
