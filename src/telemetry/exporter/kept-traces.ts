import type { TextSlice } from '../records/span-visitor.ts';

const WAYS = 8;
const WORDS = 4;

/**
 * Ids of the traces that were kept, so that what ends later follows them. Of fixed size: in each set of eight the newest
 * takes the place of the oldest.
 */
export class KeptTraces {
  readonly #sets: number;
  readonly #words: Uint32Array;
  readonly #reasons: Uint8Array;
  readonly #states: (TextSlice | undefined)[];
  readonly #next: Uint8Array;

  /** `capacity`: traces remembered, a power of two. */
  constructor(capacity: number) {
    this.#sets = capacity / WAYS;
    this.#words = new Uint32Array(capacity * WORDS);
    this.#reasons = new Uint8Array(capacity);
    this.#states = new Array<TextSlice | undefined>(capacity).fill(undefined);
    this.#next = new Uint8Array(this.#sets);
  }

  /** The reason (above 0) for which the trace was kept; 0 where it was not. */
  reason(trace: Uint32Array): number {
    const way = this.#find(trace);
    return way < 0 ? 0 : this.#reasons[way]!;
  }

  /** The `tracestate` that its spans have; undefined where it was not kept. */
  state(trace: Uint32Array): TextSlice | undefined {
    const way = this.#find(trace);
    return way < 0 ? undefined : this.#states[way];
  }

  add(trace: Uint32Array, reason: number, state?: TextSlice): void {
    const first = this.#firstOf(trace);
    const set = first / WAYS;
    const way = first + this.#next[set]!;
    this.#next[set] = (this.#next[set]! + 1) % WAYS;
    this.#words.set(trace.subarray(0, WORDS), way * WORDS);
    this.#reasons[way] = reason;
    this.#states[way] = state;
  }

  #find(trace: Uint32Array): number {
    const first = this.#firstOf(trace);
    for (let way = first; way < first + WAYS; way += 1) {
      const at = way * WORDS;
      if (
        this.#words[at] === trace[0] &&
        this.#words[at + 1] === trace[1] &&
        this.#words[at + 2] === trace[2] &&
        this.#words[at + 3] === trace[3]
      )
        return way;
    }
    return -1;
  }

  #firstOf(trace: Uint32Array): number {
    return ((trace[0]! ^ trace[2]!) & (this.#sets - 1)) * WAYS;
  }
}
