import { corrupt } from './disk-error.ts';
import { readIndexFiles, writeIndexFiles } from './index-files.ts';
import { scanLog } from './log-scan.ts';
import type { Segment } from './segment.ts';
import { GrowingSegmentIndex, type SegmentIndex } from './segment-index.ts';
import type { ShardEnvironment } from './shard-environment.ts';

const MAX_LOADED = 8;

/** The indexes of full segments: loaded when a read needs them, the ones used last kept. */
export class IndexCache {
  readonly #shard: string;
  readonly #environment: ShardEnvironment;
  readonly #loaded = new Map<Segment, Promise<SegmentIndex>>();

  constructor(shard: string, environment: ShardEnvironment) {
    this.#shard = shard;
    this.#environment = environment;
  }

  /** @throws JournalError `corrupt`, or the disk's error */
  async get(segment: Segment): Promise<SegmentIndex> {
    const loading = this.#loaded.get(segment) ?? this.#load(segment);
    this.put(segment, loading);
    try {
      return await loading;
    } catch (error) {
      if (this.#loaded.get(segment) === loading) this.#loaded.delete(segment);
      throw error;
    }
  }

  put(segment: Segment, index: Promise<SegmentIndex>): void {
    this.#loaded.delete(segment);
    this.#loaded.set(segment, index);
    if (this.#loaded.size > MAX_LOADED) this.#loaded.delete(this.#loaded.keys().next().value!);
  }

  forget(segment: Segment): void {
    this.#loaded.delete(segment);
  }

  async #load(segment: Segment): Promise<SegmentIndex> {
    const { disk, files, onEvent } = this.#environment;
    const written = await readIndexFiles(disk, segment);
    if (written !== undefined) return written;
    const index = new GrowingSegmentIndex(segment.base);
    const start = { position: 0, offset: segment.base, lastTimestamp: 0, salt: undefined };
    const { bytes } = await files.with(segment.logPath, (file) =>
      scanLog(file, segment.logPath, start, (buffer, at, position) => index.add(buffer, at, position)),
    );
    if (bytes < segment.bytes) throw corrupt(segment.logPath, bytes, 'not a whole batch');
    await writeIndexFiles(this.#shard, segment, index, this.#environment);
    onEvent({ kind: 'index_rebuilt', shard: this.#shard, path: segment.indexPath });
    return index;
  }
}
