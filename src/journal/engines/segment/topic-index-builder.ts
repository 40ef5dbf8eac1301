import type { TopicBlocks } from './topic-index.ts';

/** Topics a segment lists; those that come after these share one list. Bounds the memory of an index. */
const MAX_TOPICS = 65_536;
/** A lookup gives up here, so that topics made to collide cannot make every record slow. */
const MAX_PROBES = 64;
const FREE = -1;
const CROWDED = -2;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The topic index of a segment that is being written. Topics are looked up by their bytes in a hash table with open
 * addressing: a record of a known topic costs no string and no allocation.
 */
export class TopicIndexBuilder implements TopicBlocks {
  /** Ordinal + 1 of the topic in each slot; 0 is a free slot. */
  #slots = new Int32Array(256);
  readonly #hashes: number[] = [];
  readonly #names: Buffer[] = [];
  readonly #topics: string[] = [];
  readonly #blocks: number[][] = [];
  #unlisted: number[] = [];
  readonly #maxTopics: number;

  constructor(maxTopics = MAX_TOPICS) {
    this.#maxTopics = maxTopics;
  }

  /** Takes over an index that was written, to go on from it. */
  static from(written: TopicBlocks): TopicIndexBuilder {
    const builder = new TopicIndexBuilder();
    builder.#unlisted = [...written.unlisted()];
    for (let ordinal = 0; ordinal < written.topicCount; ordinal += 1) {
      const name = Buffer.from(written.topic(ordinal));
      builder.#insert(name, hashOf(name, 0, name.length), [...written.blocksOf(ordinal)]);
    }
    return builder;
  }

  get topicCount(): number {
    return this.#topics.length;
  }

  topic(ordinal: number): string {
    return this.#topics[ordinal]!;
  }

  blocksOf(ordinal: number): readonly number[] {
    return this.#blocks[ordinal]!;
  }

  unlisted(): readonly number[] {
    return this.#unlisted;
  }

  /** Notes that the block holds the topic at [start, end). Blocks come in ascending order. */
  add(buffer: Buffer, start: number, end: number, block: number): void {
    const hash = hashOf(buffer, start, end);
    const ordinal = this.#find(buffer, start, end, hash);
    if (ordinal >= 0) noteBlock(this.#blocks[ordinal]!, block);
    else if (ordinal === CROWDED || this.#topics.length >= this.#maxTopics) noteBlock(this.#unlisted, block);
    else this.#insert(Buffer.from(buffer.subarray(start, end)), hash, [block]);
  }

  /** Forgets the blocks from `blocks` on. */
  truncate(blocks: number): void {
    for (const list of [...this.#blocks, this.#unlisted]) {
      while (list.length > 0 && list[list.length - 1]! >= blocks) list.pop();
    }
  }

  /** The topic's ordinal, FREE when it is not listed, CROWDED when it cannot be told cheaply. */
  #find(buffer: Buffer, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const ordinal = this.#slots[(hash + probe) & mask]! - 1;
      if (ordinal < 0) return FREE;
      if (this.#hashes[ordinal] === hash && sameBytes(this.#names[ordinal]!, buffer, start, end)) return ordinal;
    }
    return CROWDED;
  }

  #insert(name: Buffer, hash: number, blocks: number[]): void {
    const ordinal = this.#topics.length;
    this.#names.push(name);
    this.#topics.push(name.toString());
    this.#hashes.push(hash);
    this.#blocks.push(blocks);
    if (this.#topics.length * 2 > this.#slots.length) this.#rehash();
    else this.#place(ordinal);
  }

  #place(ordinal: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[ordinal]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = ordinal + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let ordinal = 0; ordinal < this.#topics.length; ordinal += 1) this.#place(ordinal);
  }
}

function noteBlock(list: number[], block: number): void {
  if (list[list.length - 1] !== block) list.push(block);
}

/** FNV-1a, 32 bits. */
function hashOf(buffer: Buffer, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ buffer[at]!, FNV_PRIME);
  return hash >>> 0;
}

function sameBytes(name: Buffer, buffer: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = 0; index < name.length; index += 1) if (name[index] !== buffer[start + index]) return false;
  return true;
}
