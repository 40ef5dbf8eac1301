import { CHUNK_HEADER_WORDS, CHUNK_WORDS, CONTROL, type RingViews, type SharedRing, viewsOf } from './ring-memory.ts';

/** Chunks that a reader who was overtaken leaves between itself and the writer, so that it is not overtaken at once again. */
const HEADWAY_CHUNKS = 2;

/** A copy of what the reader is looking at: records with their first word at `f64[at]`, valid until the next read. */
export interface RecordBlock {
  /** Names what its memory holds now: no other content of any block has it. */
  readonly version: number;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

let lastVersion = 0;

function newVersion(): number {
  lastVersion += 1;
  return lastVersion;
}

/** Used again and again. */
type ReusedBlock = { -readonly [Key in keyof RecordBlock]: RecordBlock[Key] };

function emptyBlock(): ReusedBlock {
  const buffer = new ArrayBuffer(CHUNK_WORDS * 8);
  return {
    version: newVersion(),
    u8: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    f64: new Float64Array(buffer),
  };
}

/**
 * Reads the ring behind its writer, who never waits: what was written over before it could be read is skipped and counted.
 * Everything is copied out before it is looked at, and looked at only if it was whole until the copy was done.
 */
export class RingReader {
  readonly #views: RingViews;
  readonly #block = emptyBlock();
  readonly #copied = emptyBlock();
  /** Position of the first word of `block` and of the word behind its last. */
  #blockStart = 0;
  #blockEnd = 0;
  #at = 0;
  #position = 0;
  /** Spans in front of the current chunk, as the writer counted them, and those of the records read since. */
  #spansRead = 0;
  #overwrittenSpans = 0;

  /** `firstChunk`: as the writer has it. */
  constructor(ring: SharedRing, firstChunk = 0) {
    this.#views = viewsOf(ring);
    this.#position = firstChunk * CHUNK_WORDS;
  }

  /** What `next` walks through. */
  get block(): RecordBlock {
    return this.#block;
  }

  /** What `copy` fills. */
  get copied(): RecordBlock {
    return this.#copied;
  }

  /** Position of the next record. */
  get position(): number {
    return this.#position;
  }

  /** Spans that were written over before they were read. */
  get overwrittenSpans(): number {
    return this.#overwrittenSpans;
  }

  /** Oldest position that still holds what was written there. */
  get oldest(): number {
    return this.#oldestBehind(this.#chunkBeingWritten());
  }

  /** Words the writer is ahead. */
  get lagWords(): number {
    return Math.max(0, this.#head() - this.#position);
  }

  get capacityWords(): number {
    return this.#views.capacityWords;
  }

  /**
   * Index in `block.f64` of the next record, or -1 when there is none. `advance` must follow, with how many spans the record
   * stands for.
   */
  next(): number {
    for (;;) {
      if (this.#position >= this.#blockEnd && !this.#load()) return -1;
      const at = this.#position - this.#blockStart;
      const words = this.#block.u32[at * 2]! >>> 16;
      if (words !== 0) {
        this.#at = at;
        return at;
      }
      // The rest of this chunk was left empty.
      this.#enterChunk(Math.floor(this.#position / CHUNK_WORDS) + 1);
    }
  }

  advance(spans: number): void {
    this.#position += this.#block.u32[this.#at * 2]! >>> 16;
    this.#spansRead += spans;
    if (this.#position % CHUNK_WORDS === 0) this.#enterChunk(this.#position / CHUNK_WORDS);
  }

  /** Begins again with the oldest record there is; what was written over is not counted any more. */
  rewind(): void {
    this.#startBehind(0);
  }

  /** Copies the record at a position to the start of `copied`; false if it is no longer there. */
  copy(position: number): boolean {
    const inChunk = position % CHUNK_WORDS;
    if (position < this.oldest || position >= this.#head() || inChunk < CHUNK_HEADER_WORDS) return false;
    const { capacityWords, u32 } = this.#views;
    const at = position % capacityWords;
    // Read before it is known whether it is still there: only bounded, not believed.
    const words = u32[at * 2]! >>> 16;
    if (words === 0 || inChunk + words > CHUNK_WORDS) return false;
    this.#copied.version = newVersion();
    this.#copied.u32.set(u32.subarray(at * 2, (at + words) * 2));
    return this.#wasWhole(position);
  }

  /** The full position of one that was kept as its low 32 bits: the newest there can be. */
  positionOf(low: number): number {
    const head = this.#head();
    return head - (((head >>> 0) - low) >>> 0);
  }

  #chunkBeingWritten(): number {
    return this.#chunkOf(Atomics.load(this.#views.control, CONTROL.chunk));
  }

  #chunkOf(low: number): number {
    const known = Math.floor(this.#position / CHUNK_WORDS);
    return known + ((low - known) | 0);
  }

  #oldestBehind(chunk: number): number {
    return Math.max(0, chunk - this.#views.chunks + 1) * CHUNK_WORDS;
  }

  /** What was read from this position on, before the call, had not been written over. See ring-memory.ts. */
  #wasWhole(position: number): boolean {
    const low = Atomics.add(this.#views.control, CONTROL.chunk, 0);
    return position >= this.#oldestBehind(this.#chunkOf(low));
  }

  /** Counted from the chunk that is being written: a reader may lag by more than the low bits tell apart. */
  #head(): number {
    const chunkStart = this.#chunkBeingWritten() * CHUNK_WORDS;
    const low = Atomics.load(this.#views.control, CONTROL.head);
    return chunkStart + ((low - chunkStart) | 0);
  }

  /** Copies what there is of the current chunk; false when there is nothing to read. */
  #load(): boolean {
    for (;;) {
      const head = this.#head();
      if (this.#position >= this.oldest) {
        if (this.#position % CHUNK_WORDS === 0) this.#enterChunk(this.#position / CHUNK_WORDS);
        if (this.#position >= head) return false;
        const end = Math.min(head, (Math.floor(this.#position / CHUNK_WORDS) + 1) * CHUNK_WORDS);
        const from = this.#position % this.#views.capacityWords;
        this.#block.version = newVersion();
        this.#block.u32.set(this.#views.u32.subarray(from * 2, (from + end - this.#position) * 2));
        this.#blockStart = this.#position;
        this.#blockEnd = end;
        if (this.#wasWhole(this.#position)) return true;
      }
      this.#skip();
    }
  }

  /** The writer has come round: goes on at a chunk that is still whole, and counts what lay before it. */
  #skip(): void {
    const spansRead = this.#spansRead;
    this.#startBehind(HEADWAY_CHUNKS);
    this.#overwrittenSpans += this.#spansRead - spansRead;
  }

  /** Goes on so many chunks behind the oldest. */
  #startBehind(chunks: number): void {
    for (;;) {
      const position = this.oldest + chunks * CHUNK_WORDS;
      const spansBefore = this.#views.f64[(position % this.#views.capacityWords) + 1]!;
      if (!this.#wasWhole(position)) continue;
      this.#spansRead = spansBefore;
      this.#enterChunk(position / CHUNK_WORDS);
      return;
    }
  }

  #enterChunk(chunk: number): void {
    this.#position = chunk * CHUNK_WORDS + CHUNK_HEADER_WORDS;
    this.#blockEnd = 0;
  }
}

/** A copy, for who has to look at other records while it reads this one. */
export function ownBlock(block: RecordBlock): RecordBlock {
  const u32 = block.u32.slice(0, (block.u32[0]! >>> 16) * 2);
  return { version: newVersion(), u32, f64: new Float64Array(u32.buffer), u8: new Uint8Array(u32.buffer) };
}
