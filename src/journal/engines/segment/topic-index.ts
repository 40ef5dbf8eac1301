import type { TopicMatcher } from '../common/topic-matcher.ts';
import { readBlockList, writeBlockList } from './block-list.ts';

/** Which blocks of a segment hold which topics. */
export interface TopicBlocks {
  readonly topicCount: number;
  topic(ordinal: number): string;
  blocksOf(ordinal: number): readonly number[];
  /** Blocks that hold topics which are not listed, because there were too many. */
  unlisted(): readonly number[];
}

/** One byte per block: 1 where a record may match. */
export function selectBlocks(topics: TopicBlocks, matcher: TopicMatcher, blocks: number): Uint8Array {
  const selected = new Uint8Array(blocks);
  for (const block of topics.unlisted()) selected[block] = 1;
  for (let ordinal = 0; ordinal < topics.topicCount; ordinal += 1) {
    if (matcher.matches(topics.topic(ordinal))) for (const block of topics.blocksOf(ordinal)) selected[block] = 1;
  }
  return selected;
}

/**
 * The body of a `.topics` file: topic_count:u32 list(unlisted) (topic_length:u16 topic list_length:u32 list(blocks))*.
 * Lists stay encoded until a filter asks for them.
 */
export class SealedTopicIndex implements TopicBlocks {
  readonly #body: Buffer;
  readonly #topics: string[] = [];
  readonly #listStarts: number[] = [];
  readonly #unlisted: readonly number[];

  /** @param body must have passed its checksum */
  constructor(body: Buffer) {
    this.#body = body;
    const count = body.readUInt32LE(0);
    const unlisted = readBlockList(body, 4);
    this.#unlisted = unlisted.blocks;
    let at = unlisted.end;
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      const length = body.readUInt16LE(at);
      this.#topics.push(body.toString('utf8', at + 2, at + 2 + length));
      at += 2 + length;
      this.#listStarts.push(at + 4);
      at += 4 + body.readUInt32LE(at);
    }
  }

  get topicCount(): number {
    return this.#topics.length;
  }

  topic(ordinal: number): string {
    return this.#topics[ordinal]!;
  }

  blocksOf(ordinal: number): readonly number[] {
    return readBlockList(this.#body, this.#listStarts[ordinal]!).blocks;
  }

  unlisted(): readonly number[] {
    return this.#unlisted;
  }
}

export function encodeTopics(topics: TopicBlocks): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(topics.topicCount);
  const parts = [head, writeBlockList(topics.unlisted())];
  for (let ordinal = 0; ordinal < topics.topicCount; ordinal += 1) {
    const name = Buffer.from(topics.topic(ordinal));
    const list = writeBlockList(topics.blocksOf(ordinal));
    const lengths = Buffer.alloc(2);
    lengths.writeUInt16LE(name.length);
    const listLength = Buffer.alloc(4);
    listLength.writeUInt32LE(list.length);
    parts.push(lengths, name, listLength, list);
  }
  return Buffer.concat(parts);
}
