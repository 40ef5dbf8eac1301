import type { TextSlice } from '../records/span-visitor.ts';
import { TraceHash } from './trace-hash.ts';

const WAYS = 8;
const WORDS = 4;
/** A trace has a few parts for each of its subscribers; one that a client uses for all of its messages has no end. */
const MAX_FOLLOWING = 1024;

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
  readonly #reasons: Uint8Array;
  readonly #following: Uint16Array;
  readonly #states: (TextSlice | undefined)[];
  readonly #next: Uint8Array;

  /** `capacity`: traces remembered, a power of two. */
  constructor(capacity: number, hash = new TraceHash()) {
    this.#hash = hash;
    this.#sets = capacity / WAYS;
    this.#checks = new Uint32Array(capacity);
    this.#words = new Uint32Array(capacity * WORDS);
    this.#reasons = new Uint8Array(capacity);
    this.#following = new Uint16Array(capacity);
    this.#states = new Array<TextSlice | undefined>(capacity).fill(undefined);
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
    return this.#reasons[handle]!;
  }

  /** The `tracestate` that its spans have. */
  state(handle: number): TextSlice | undefined {
    return this.#states[handle];
  }

  /** Whether another part of the trace follows it unasked: as many as a trace has that is of one message. */
  follow(handle: number): boolean {
    if (this.#following[handle]! >= MAX_FOLLOWING) return false;
    this.#following[handle]! += 1;
    return true;
  }

  /** Of a trace that is not there. */
  add(trace: Uint32Array, reason: number, state?: TextSlice): void {
    const first = this.#firstOf(trace);
    const set = first / WAYS;
    const way = first + this.#next[set]!;
    this.#next[set] = (this.#next[set]! + 1) % WAYS;
    this.#checks[way] = this.#hash.check;
    for (let word = 0; word < WORDS; word += 1) this.#words[way * WORDS + word] = trace[word]!;
    this.#reasons[way] = reason;
    this.#following[way] = 0;
    this.#states[way] = state;
  }

  #isAt(way: number, trace: Uint32Array): boolean {
    for (let word = 0; word < WORDS; word += 1) if (this.#words[way * WORDS + word] !== trace[word]) return false;
    return true;
  }

  #firstOf(trace: Uint32Array): number {
    this.#hash.take(trace);
    return (this.#hash.bucket & (this.#sets - 1)) * WAYS;
  }
}
