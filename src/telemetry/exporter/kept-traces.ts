import { EMPTY_TEXT } from '../records/expand/record-source.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import type { TraceHash } from './trace-hash.ts';

const WAYS = 8;
/** Of a trace: its id (4 words), its reason and state, how many parts have followed. All of them in one cache line. */
const WORDS = 8;
const AT = { reason: 4, state: 5, following: 6 } as const;
/** A trace has a few parts for each of its subscribers; one that a client uses for all of its messages has no end. */
const MAX_FOLLOWING = 1024;
/** States that many traces have; a caller's own is its trace's alone. */
const MAX_SHARED_STATES = 255;
const OWN_STATE = MAX_SHARED_STATES + 1;

const EACH_BYTE = 0x0101_0101;

function tagOf(check: number): number {
  return (check & 0x7f) | 0x80;
}

/** Of four bytes at once (Anderson, "Bit Twiddling Hacks": determine if a word has a zero byte). */
function hasZeroByte(word: number): boolean {
  return ((word - EACH_BYTE) & ~word & 0x8080_8080) !== 0;
}

/**
 * Ids of the traces that were kept, so that what ends later follows them. Of fixed size: in each set of eight the newest
 * takes the place of the oldest.
 */
export class KeptTraces {
  readonly #hash: TraceHash;
  readonly #sets: number;
  /**
   * A byte of each id's hash, never 0, and those of a set as two words: most traces that are asked for are not there, and these bytes,
   * which the processor's cache holds, say so.
   */
  readonly #tags: Uint8Array;
  readonly #tagWords: Int32Array;
  readonly #words: Uint32Array;
  readonly #sharedStates: TextSlice[] = [EMPTY_TEXT];
  /** Place of the one that was given last. */
  #lastShared = 0;
  /** By handle, of traces whose state is their own. */
  readonly #ownStates = new Map<number, TextSlice>();
  readonly #next: Uint8Array;

  /** `capacity`: traces remembered, a power of two. */
  constructor(capacity: number, hash: TraceHash) {
    this.#hash = hash;
    this.#sets = capacity / WAYS;
    this.#tags = new Uint8Array(capacity);
    this.#tagWords = new Int32Array(this.#tags.buffer);
    this.#words = new Uint32Array(capacity * WORDS);
    this.#next = new Uint8Array(this.#sets);
  }

  /** A handle of the trace, until the next `add`; -1 where it was not kept. */
  find(trace: Uint32Array): number {
    const first = this.#firstOf(trace);
    const tags = Math.imul(tagOf(this.#hash.check), EACH_BYTE);
    const words = this.#tagWords;
    if (!hasZeroByte(words[first >> 2]! ^ tags) && !hasZeroByte(words[(first >> 2) + 1]! ^ tags)) return -1;
    for (let way = first; way < first + WAYS; way += 1) if (this.#isAt(way, trace)) return way;
    return -1;
  }

  /** The reason (above 0) for which the trace was kept. */
  reason(handle: number): number {
    return this.#words[handle * WORDS + AT.reason]!;
  }

  /** The `tracestate` that its spans have; empty: none. */
  state(handle: number): TextSlice {
    const state = this.#words[handle * WORDS + AT.state]!;
    return state === OWN_STATE ? (this.#ownStates.get(handle) ?? EMPTY_TEXT) : this.#sharedStates[state]!;
  }

  /** Whether another part of the trace follows it unasked: as many as a trace has that is of one message. */
  follow(handle: number): boolean {
    const at = handle * WORDS + AT.following;
    if (this.#words[at]! >= MAX_FOLLOWING) return false;
    this.#words[at]! += 1;
    return true;
  }

  /** Of a trace that is not there. `isShared`: the state is not the trace's alone. */
  add(trace: Uint32Array, reason: number, state = EMPTY_TEXT, isShared = false): void {
    const first = this.#firstOf(trace);
    const set = first / WAYS;
    const way = first + this.#next[set]!;
    const at = way * WORDS;
    this.#next[set] = (this.#next[set]! + 1) % WAYS;
    if (this.#words[at + AT.state] === OWN_STATE) this.#ownStates.delete(way);
    this.#tags[way] = tagOf(this.#hash.check);
    for (let word = 0; word < 4; word += 1) this.#words[at + word] = trace[word]!;
    this.#words[at + AT.reason] = reason;
    this.#words[at + AT.following] = 0;
    this.#words[at + AT.state] = this.#placeOf(state, isShared, way);
  }

  #placeOf(state: TextSlice, isShared: boolean, way: number): number {
    if (this.#sharedStates[this.#lastShared] === state) return this.#lastShared;
    let place = this.#sharedStates.indexOf(state);
    if (place < 0 && isShared && this.#sharedStates.length <= MAX_SHARED_STATES)
      place = this.#sharedStates.push(state) - 1;
    if (place < 0) {
      this.#ownStates.set(way, state);
      return OWN_STATE;
    }
    this.#lastShared = place;
    return place;
  }

  #isAt(way: number, trace: Uint32Array): boolean {
    for (let word = 0; word < 4; word += 1) if (this.#words[way * WORDS + word] !== trace[word]) return false;
    return true;
  }

  #firstOf(trace: Uint32Array): number {
    this.#hash.take(trace);
    return (this.#hash.bucket & (this.#sets - 1)) * WAYS;
  }
}
