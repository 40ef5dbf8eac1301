/*
 * The layout of PUSH records, and of the slots that become them (push-recorder.ts).
 *
 * PUSH := u1 flags (below), qos (2 bits from 16), reason code (8 bits from 24);
 *         u2-u5 trace id; u6-u7 id of `client/push`; u8-u9 parent span id; f5 begun at; f6 pushed at; f7 confirmed at;
 *         u16 client; u17 packet id; and with PUSH_FLAG.more, which most have not:
 *         f9 PUBREC received at (0: none); f10 how long the message had waited (ms); u22 topic (0: the message's); u23 extra;
 *         u24 deliveries it stands for (rest of a fan-out), of a linked one the threshold by which the head chose it, or
 *         NO_THRESHOLD; u25 of these failed
 */
export const PUSH_WORDS = 9;
export const PUSH_WORDS_WITH_MORE = 13;
export const SLOT_HALVES = PUSH_WORDS_WITH_MORE * 2;
export const PUSH = {
  flags: 1,
  trace: 2,
  span: 6,
  parent: 8,
  begunAt: 5,
  pushedAt: 6,
  confirmedAt: 7,
  client: 16,
  packetId: 17,
  receivedAt: 9,
  waitedMs: 10,
  topic: 22,
  extra: 23,
  count: 24,
  threshold: 24,
  failures: 25,
} as const;

export const PUSH_FLAG = {
  /** QoS 1 and 2: it went out, and a confirmation was waited for. */
  sent: 1,
  /** A packet of the subscriber confirmed it. */
  confirmed: 1 << 1,
  /** It did not reach the socket. */
  droppedTooLarge: 1 << 2,
  droppedQueueFull: 1 << 3,
  /** The connection ended before the confirmation. */
  disconnected: 1 << 4,
  redelivered: 1 << 5,
  /** It comes late: from the journal, or retained. */
  late: 1 << 6,
  /** It stands for the rest of a fan-out. */
  rest: 1 << 7,
  /** A trace of its own, linked to the message's (in its extra). */
  linked: 1 << 8,
  head: 1 << 9,
  forced: 1 << 10,
  /** The record has its second part. */
  more: 1 << 11,
} as const;
export const NEED_MORE = PUSH_FLAG.late | PUSH_FLAG.rest | PUSH_FLAG.linked;
export const PUSH_QOS_SHIFT = 16;
export const PUSH_REASON_SHIFT = 24;
const FIRST_FAILURE = 0x80;

/** Spans of a record. `pubrecAt`: 0 where it has no second part. */
export function spansOfPush(flags: number, pubrecAt: number): number {
  if ((flags & PUSH_FLAG.rest) !== 0 || (flags & PUSH_FLAG.sent) === 0) return 1;
  return 2 + ((flags & PUSH_FLAG.confirmed) !== 0 ? 1 : 0) + (pubrecAt > 0 ? 1 : 0);
}

export function isRefusal(reasonCode: number): boolean {
  return reasonCode >= FIRST_FAILURE;
}

/**
 * All of a slot but its first half word, which the writer has written, and its second part only where it has one. What all have is written
 * out, for a loop takes three times as long. Only times go as float64: a NaN need not keep its bits.
 */
export function copyPush(
  from: Uint32Array,
  fromTimes: Float64Array,
  fromWord: number,
  to: Uint32Array,
  toTimes: Float64Array,
  toWord: number,
  hasMore: boolean,
): void {
  const source = fromWord * 2;
  const target = toWord * 2;
  to[target + PUSH.flags] = from[source + PUSH.flags]!;
  to[target + 2] = from[source + 2]!;
  to[target + 3] = from[source + 3]!;
  to[target + 4] = from[source + 4]!;
  to[target + 5] = from[source + 5]!;
  to[target + 6] = from[source + 6]!;
  to[target + 7] = from[source + 7]!;
  to[target + 8] = from[source + 8]!;
  to[target + 9] = from[source + 9]!;
  toTimes[toWord + PUSH.begunAt] = fromTimes[fromWord + PUSH.begunAt]!;
  toTimes[toWord + PUSH.pushedAt] = fromTimes[fromWord + PUSH.pushedAt]!;
  toTimes[toWord + PUSH.confirmedAt] = fromTimes[fromWord + PUSH.confirmedAt]!;
  to[target + PUSH.client] = from[source + PUSH.client]!;
  to[target + PUSH.packetId] = from[source + PUSH.packetId]!;
  if (!hasMore) return;
  toTimes[toWord + PUSH.receivedAt] = fromTimes[fromWord + PUSH.receivedAt]!;
  toTimes[toWord + PUSH.waitedMs] = fromTimes[fromWord + PUSH.waitedMs]!;
  for (let half = PUSH.topic; half <= PUSH.failures; half += 1) to[target + half] = from[source + half]!;
}
