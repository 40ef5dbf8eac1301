/*
 * A message of a MESSAGES record, in whole words.
 *
 *   u0-u3 trace id; u4-u5 id of its first span; u6-u7 parent span id (zeros: none)
 *   f4 received at; f5 admitted at (Unix milliseconds)
 *   u12 client; u13 topic; u14 access rule; u15 extra; u16 payload bytes
 *   u17 packet id (16 bits), qos (2), retain, duplicate (1 each), shape (3), flags (from bit 24)
 *   u18 subscriptions that matched; u19 threshold by which the head chose the trace (NO_THRESHOLD: it did not, or a caller did)
 */
export const ENTRY_WORDS = 10;
const ENTRY_HALVES = ENTRY_WORDS * 2;

export const ENTRY = {
  parent: 6,
  receivedAt: 4,
  admittedAt: 5,
  client: 12,
  topic: 13,
  rule: 14,
  extra: 15,
  payloadBytes: 16,
  flags: 17,
  matched: 18,
  threshold: 19,
} as const;

/** What became of a message, and with that which spans it has. */
export const SHAPE = {
  /** QoS 0: matched and pushed at once. */
  direct: 0,
  /** QoS 1 and 2: stored first. */
  stored: 1,
  /** No rule allows it. */
  unauthorized: 2,
  /** Refused for another reason. */
  refused: 3,
  /** The journal did not take it. */
  unstored: 4,
  /** A repeat of a QoS 2 message that had come before: answered, not published. */
  repeated: 5,
} as const;
export type Shape = (typeof SHAPE)[keyof typeof SHAPE];

export const QOS_SHIFT = 16;
export const SHAPE_SHIFT = 20;
export const SHAPE_MASK = 7;
export const FLAG = {
  retain: 1 << 18,
  duplicate: 1 << 19,
  /** The parent came from the caller. */
  remoteParent: 1 << 24,
  /** The head sampler chose the trace. */
  head: 1 << 25,
  /** The caller's flag chose it. */
  forced: 1 << 26,
  /** The access decision was remembered with the connection. */
  cached: 1 << 27,
  /** A will: no packet, no access decision. */
  will: 1 << 28,
} as const;

/** One entry while its message is handled; each Message owns one. */
export class MessageEntry {
  readonly u32: Uint32Array;
  readonly f64: Float64Array;

  constructor() {
    const buffer = new ArrayBuffer(ENTRY_WORDS * 8);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}

const FIRST_CAPACITY = 64;

/** Written out, for a loop takes three times as long. Only times go as float64: a NaN need not keep its bits. */
function copyEntry(entry: MessageEntry, u32: Uint32Array, f64: Float64Array, word: number): void {
  const from = entry.u32;
  const to = word * 2;
  u32[to] = from[0]!;
  u32[to + 1] = from[1]!;
  u32[to + 2] = from[2]!;
  u32[to + 3] = from[3]!;
  u32[to + 4] = from[4]!;
  u32[to + 5] = from[5]!;
  u32[to + ENTRY.parent] = from[ENTRY.parent]!;
  u32[to + ENTRY.parent + 1] = from[ENTRY.parent + 1]!;
  f64[word + ENTRY.receivedAt] = entry.f64[ENTRY.receivedAt]!;
  f64[word + ENTRY.admittedAt] = entry.f64[ENTRY.admittedAt]!;
  u32[to + ENTRY.client] = from[ENTRY.client]!;
  u32[to + ENTRY.topic] = from[ENTRY.topic]!;
  u32[to + ENTRY.rule] = from[ENTRY.rule]!;
  u32[to + ENTRY.extra] = from[ENTRY.extra]!;
  u32[to + ENTRY.payloadBytes] = from[ENTRY.payloadBytes]!;
  u32[to + ENTRY.flags] = from[ENTRY.flags]!;
  u32[to + ENTRY.matched] = from[ENTRY.matched]!;
  u32[to + ENTRY.threshold] = from[ENTRY.threshold]!;
}

/** Entries that wait for what they share: the end of a read, or a commit. Grows, and is reused. */
export class EntryBatch {
  count = 0;
  u32: Uint32Array = new Uint32Array(0);
  f64: Float64Array = new Float64Array(0);
  #capacity = 0;
  #stamped = 0;

  append(entry: MessageEntry): void {
    if (this.count === this.#capacity) this.#grow();
    copyEntry(entry, this.u32, this.f64, this.count * ENTRY_WORDS);
    this.count += 1;
  }

  /** Index of a half of an entry in `u32`. */
  half(index: number, field: number): number {
    return index * ENTRY_HALVES + field;
  }

  /** All entries know when their messages were admitted. */
  get isStamped(): boolean {
    return this.#stamped === this.count;
  }

  stampAdmitted(at: number): void {
    for (; this.#stamped < this.count; this.#stamped += 1)
      this.f64[this.#stamped * ENTRY_WORDS + ENTRY.admittedAt] = at;
  }

  /** The message is durable, and so many subscriptions match it. */
  stored(index: number, matched: number): void {
    const at = index * ENTRY_HALVES;
    this.u32[at + ENTRY.matched] = matched;
    this.u32[at + ENTRY.flags]! |= SHAPE.stored << SHAPE_SHIFT;
  }

  reset(): void {
    this.count = 0;
    this.#stamped = 0;
  }

  #grow(): void {
    this.#capacity = Math.max(FIRST_CAPACITY, this.#capacity * 2);
    const grown = new Uint32Array(this.#capacity * ENTRY_HALVES);
    grown.set(this.u32);
    this.u32 = grown;
    this.f64 = new Float64Array(grown.buffer);
  }
}
