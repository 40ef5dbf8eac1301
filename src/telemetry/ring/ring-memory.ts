import { assert } from '../../base/errors.ts';

/*
 * The ring's shared memory.
 *
 *   control  Int32Array   HEAD      position up to which records are complete, low 32 bits; written by the writer, for each record
 *                         CHUNK     number of the chunk that is being written, low 32 bits; each has a cache line of its own
 *   data     chunks of 64 KiB, one behind the other, again from the first when the last is full
 *
 *   chunk    word 0   u32 number of the chunk (low 32 bits), u32 0
 *            word 1   f64 spans recorded before this chunk, since the start
 *            then records, none of which crosses into the next chunk; a word of 0 ends a chunk that is not filled
 *   record   word 0   u32 kind (8 bits), flags (8), words of the record (16); u32 as the kind says
 *
 * Positions count 8-byte words since the start and never go back; where a position is kept in a record it is its low 32
 * bits, which tell positions apart over 32 GiB of records. Positions 0 and 1 of a chunk are never a record's: a reference of 0
 * means "none".
 *
 * Order between the threads. A record's plain stores come before the Atomics.store of HEAD, the reader's plain loads after its
 * Atomics.load: what it sees of HEAD is complete. What it copied may have been written over meanwhile, and plain loads may
 * be delayed past an Atomics.load behind them (ARM does). So CHUNK is changed by Atomics.exchange before a byte of the next
 * chunk is written, and the reader asks for it, when the copy is done, by an Atomics.add of 0: one of the two
 * read-modify-writes sees the other, and a reader that came first has read before anything was written over (Boehm,
 * "Can Seqlocks Get Along With Programming Language Memory Models?", MSPC 2012, section 4).
 */
export const WORD_BYTES = 8;
export const CHUNK_WORDS = 8192;
export const CHUNK_BYTES = CHUNK_WORDS * WORD_BYTES;
export const CHUNK_HEADER_WORDS = 2;
export const MAX_RECORD_WORDS = CHUNK_WORDS - CHUNK_HEADER_WORDS;
export const MIN_RING_BYTES = 8 * CHUNK_BYTES;

/** 128 bytes apart: processors fetch cache lines in pairs. */
export const CONTROL = { head: 0, chunk: 32 } as const;
const CONTROL_WORDS = 64;
/** Positions in the ring are told apart by their low 32 bits, with room for a reader that lags. */
const MAX_RING_BYTES = 2 ** 30 * WORD_BYTES;

/** What both threads share; can be sent to a worker. */
export interface SharedRing {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

/** The views of one thread on the shared memory. */
export interface RingViews {
  readonly control: Int32Array;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly capacityWords: number;
  readonly chunks: number;
}

/** `bytes` is rounded down to whole chunks; there are at least eight. */
export function createRing(bytes: number): SharedRing {
  assert(
    bytes >= MIN_RING_BYTES && bytes <= MAX_RING_BYTES,
    `the ring has ${MIN_RING_BYTES} to ${MAX_RING_BYTES} bytes`,
  );
  const chunks = Math.floor(bytes / CHUNK_BYTES);
  return {
    control: new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT),
    data: new SharedArrayBuffer(chunks * CHUNK_BYTES),
  };
}

export function viewsOf(ring: SharedRing): RingViews {
  const capacityWords = ring.data.byteLength / WORD_BYTES;
  return {
    control: new Int32Array(ring.control),
    u8: new Uint8Array(ring.data),
    u32: new Uint32Array(ring.data),
    f64: new Float64Array(ring.data),
    capacityWords,
    chunks: capacityWords / CHUNK_WORDS,
  };
}
