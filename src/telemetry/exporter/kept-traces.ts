import { EMPTY_TEXT } from '../records/expand/record-source.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import { TraceHash } from './trace-hash.ts';

const WAYS = 8;
/** Of a trace: its id (4 words), its reason and state, how many parts have followed. All of them in one cache line. */
const WORDS = 8;
const AT = { reason: 4, state: 5, following: 6 } as const;
/** A trace has a few parts for each of its subscribers; one that a client uses for all of its messages has no end. */
const MAX_FOLLOWING = 1024;
/** States that many traces have; a caller's own is its trace's alone. */
const MAX_SHARED_STATES = 255;
const OWN_STATE = MAX_SHARED_STATES + 1;

/**
 * Ids of the traces that were kept, so that what ends later follows them. Of fixed size: in each set of eight the newest
 * takes the place of the oldest.
 */
export class KeptTraces {
  readonly #hash: TraceHash;
  readonly #sets: number;
  /** Hashes of the ids: those of a set lie in one cache line. */
  readonly #checks: Uint32Array;
  readonly #words: Uint32Array;
  readonly #sharedStates: TextSlice[] = [EMPTY_TEXT];
  /** Place of the one that was given last. */
  #lastShared = 0;
  /** By handle, of traces whose state is their own. */
  readonly #ownStates = new Map<number, TextSlice>();
  readonly #next: Uint8Array;

  /** `capacity`: traces remembered, a power of two. */
  constructor(capacity: number, hash = new TraceHash()) {
    this.#hash = hash;
    this.#sets = capacity / WAYS;
    this.#checks = new Uint32Array(capacity);
    this.#words = new Uint32Array(capacity * WORDS);
    this.#next = new Uint8Array(this.#sets);
  }

  /** A handle of the trace, until the next `add`; -1 where it was not kept. */
  find(trace: Uint32Array): number {
    const first = this.#firstOf(trace);
    const { check } = this.#hash;
    for (let way = first; way < first + WAYS; way += 1)
      if (this.#checks[way] === check && this.#isAt(way, trace)) return way;
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
    this.#checks[way] = this.#hash.check;
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
