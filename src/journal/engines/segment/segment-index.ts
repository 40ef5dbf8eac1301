import { BATCH_HEADER_BYTES, RECORD_HEADER_BYTES, RecordKind } from '../../record-batch.ts';
import { batchBaseOffset, batchCount } from '../common/batch-header.ts';
import type { TopicMatcher } from '../common/topic-matcher.ts';
import { OffsetIndex } from './offset-index.ts';
import { selectBlocks, type TopicBlocks } from './topic-index.ts';
import { TopicIndexBuilder } from './topic-index-builder.ts';

const MAX_SELECTIONS = 16;
/** How far the selection of a growing segment may lag before it is made anew; blocks beyond it count as selected. */
const MAX_LAG_BLOCKS = 64;

/** Finds in a segment the blocks a read has to touch. */
export class SegmentIndex {
  readonly offsets: OffsetIndex;
  readonly topics: TopicBlocks;
  readonly #selections = new Map<string, Uint8Array>();

  constructor(offsets: OffsetIndex, topics: TopicBlocks) {
    this.offsets = offsets;
    this.topics = topics;
  }

  /** The first block from `block` on that may hold a match; the number of blocks when there is none. */
  nextCandidate(block: number, matcher: TopicMatcher | undefined): number {
    if (matcher === undefined) return block;
    const selected = this.#select(matcher);
    for (let candidate = block; candidate < selected.length; candidate += 1)
      if (selected[candidate] === 1) return candidate;
    return Math.max(block, selected.length);
  }

  protected forgetSelections(): void {
    this.#selections.clear();
  }

  /** Blocks whose topics are settled. */
  protected get settledBlocks(): number {
    return this.offsets.blocks;
  }

  #select(matcher: TopicMatcher): Uint8Array {
    const settled = this.settledBlocks;
    let selection = this.#selections.get(matcher.key);
    if (selection !== undefined && settled - selection.length <= MAX_LAG_BLOCKS) return selection;
    selection = selectBlocks(this.topics, matcher, settled);
    this.#selections.delete(matcher.key);
    this.#selections.set(matcher.key, selection);
    if (this.#selections.size > MAX_SELECTIONS) this.#selections.delete(this.#selections.keys().next().value!);
    return selection;
  }
}

/** The index of a segment that grows. */
export class GrowingSegmentIndex extends SegmentIndex {
  readonly #base: number;
  readonly #topics: TopicIndexBuilder;

  /** @param base the segment's first offset */
  constructor(base: number, offsets = OffsetIndex.empty(), topics = new TopicIndexBuilder()) {
    super(offsets, topics);
    this.#base = base;
    this.#topics = topics;
  }

  /** Notes the batch at `start` of the buffer, which lies at `position` of the segment. */
  add(buffer: Buffer, start: number, position: number): void {
    const block = this.offsets.add(batchBaseOffset(buffer, start) - this.#base, position);
    const count = batchCount(buffer, start);
    let at = start + BATCH_HEADER_BYTES;
    for (let index = 0; index < count; index += 1) {
      if (buffer[at + 4] === RecordKind.message) {
        const topicStart = at + RECORD_HEADER_BYTES;
        this.#topics.add(buffer, topicStart, topicStart + buffer.readUInt16LE(at + 46), block);
      }
      at += buffer.readUInt32LE(at);
    }
  }

  /** Forgets what lies at or behind `bytes`. A block that began before it may keep topics it no longer holds: harmless. */
  truncate(bytes: number): void {
    this.offsets.truncate(bytes);
    this.#topics.truncate(this.offsets.blocks);
    this.forgetSelections();
  }

  /** The last block still grows. */
  protected override get settledBlocks(): number {
    return Math.max(0, this.offsets.blocks - 1);
  }
}
