import { METRICS } from '../catalogue.ts';
import { counterId, type Metrics } from '../metrics.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import type { HeadSampler } from '../sampling/head-sampler.ts';
import { NO_THRESHOLD } from '../sampling/probability.ts';
import { isForced, isSampled } from '../trace-context.ts';
import { decidingBits } from './deciding-bits.ts';
import {
  copyPush,
  NEED_MORE,
  PUSH,
  PUSH_FLAG,
  PUSH_QOS_SHIFT,
  PUSH_REASON_SHIFT,
  PUSH_WORDS,
  PUSH_WORDS_WITH_MORE,
  SLOT_HALVES,
  spansOfPush,
} from './push-record.ts';
import { OVERWRITTEN, RECORD } from './record-kinds.ts';
import { SlotPool, slotOf } from './slot-pool.ts';
import type { TraceIds } from './trace-ids.ts';

/** The flags of a delivery below a context of this broker's own: the decision about its trace. */
export function decisionOf(context: Uint8Array): number {
  return (isSampled(context) ? PUSH_FLAG.head : 0) | (isForced(context) ? PUSH_FLAG.forced : 0);
}

/** A delivery under way; 0: none is recorded. See SlotPool. */
export type PushHandle = number;

const droppedPoolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const tracesTotal = counterId(METRICS.tracesTotal);
const traceErrorsTotal = counterId(METRICS.traceErrorsTotal);

/**
 * Deliveries from their beginning to their end, in preallocated slots that are images of their records. Those of one stage
 * begin and end with `endStage`, which gives all of them the time at which they were pushed; acknowledgements of one read
 * end with `endAcknowledged`.
 */
export class PushRecorder {
  readonly #writer: RingWriter;
  readonly #ids: TraceIds;
  readonly #sampler: HeadSampler;
  readonly #metrics: Metrics;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #slots: SlotPool;
  /** By slot: the ring's position when the delivery began. What the slot refers to is older. */
  readonly #begunPositions: Float64Array;
  /** Pushes of the stage at hand. Handles, for a slot may be written and taken again meanwhile. */
  readonly #stage: Int32Array;
  #stageCount = 0;
  #hasUnannounced = false;
  readonly #identity = new Uint32Array(6);
  readonly #spanId = new Uint32Array(2);

  constructor(writer: RingWriter, ids: TraceIds, sampler: HeadSampler, metrics: Metrics, capacity: number) {
    this.#slots = new SlotPool(capacity);
    this.#writer = writer;
    this.#ids = ids;
    this.#sampler = sampler;
    this.#metrics = metrics;
    this.#begunPositions = new Float64Array(capacity);
    this.#stage = new Int32Array(capacity);
    const buffer = new ArrayBuffer(capacity * PUSH_WORDS_WITH_MORE * 8);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }

  get open(): number {
    return this.#slots.open;
  }

  /** Begins a delivery below the span whose context's words are given; 0 when too many are under way. */
  begin(
    parent: Uint32Array,
    flags: number,
    qos: number,
    client: number,
    topic: number,
    extra: number,
    at: number,
  ): PushHandle {
    // A stage of more pushes than there are slots: those that are over make room.
    if (this.#slots.isFull || this.#stageCount === this.#stage.length) this.#endPushed(at, PUSH_FLAG.rest);
    if (this.#slots.isFull) {
      this.#metrics.add(droppedPoolFull);
      return 0;
    }
    const handle = this.#slots.take();
    const slot = slotOf(handle);
    const u32 = this.#u32;
    const half = slot * SLOT_HALVES;
    const ids = this.#spanId;
    this.#ids.takeSpanId(ids, 0);
    const hasMore = (flags & NEED_MORE) !== 0 || (topic | extra) !== 0;
    u32[half + PUSH.flags] = flags | (qos << PUSH_QOS_SHIFT);
    u32[half + 2] = parent[0]!;
    u32[half + 3] = parent[1]!;
    u32[half + 4] = parent[2]!;
    u32[half + 5] = parent[3]!;
    u32[half + 6] = ids[0]!;
    u32[half + 7] = ids[1]!;
    u32[half + 8] = parent[4]!;
    u32[half + 9] = parent[5]!;
    u32[half + PUSH.client] = client;
    u32[half + PUSH.packetId] = 0;
    const f64 = this.#f64;
    const word = slot * PUSH_WORDS_WITH_MORE;
    f64[word + PUSH.begunAt] = at;
    f64[word + PUSH.pushedAt] = 0;
    f64[word + PUSH.confirmedAt] = 0;
    if (hasMore) this.#beginMore(slot, topic, extra);
    this.#begunPositions[slot] = this.#writer.position;
    this.#stage[this.#stageCount] = handle;
    this.#stageCount += 1;
    return handle;
  }

  /** A trace of its own instead of the parent's, for which the head decides anew; linked to it by `extra`. */
  beginLinked(
    flags: number,
    qos: number,
    client: number,
    topic: number,
    extra: number,
    at: number,
    threshold: number,
  ): PushHandle {
    this.#ids.take(this.#identity, 0);
    const isChosen = this.#sampler.chooses(decidingBits(this.#identity, 0), threshold);
    const all = flags | PUSH_FLAG.linked | (isChosen ? PUSH_FLAG.head : 0);
    const handle = this.begin(this.#identity, all, qos, client, topic, extra, at);
    if (handle === 0) return handle;
    this.#metrics.add(tracesTotal);
    const half = slotOf(handle) * SLOT_HALVES;
    this.#u32[half + PUSH.parent] = 0;
    this.#u32[half + PUSH.parent + 1] = 0;
    this.#u32[half + PUSH.threshold] = isChosen ? this.#sampler.effectiveThreshold(threshold) : NO_THRESHOLD;
    return handle;
  }

  /** Whether the trace of the delivery was chosen at the head. */
  isHead(handle: PushHandle): boolean {
    const slot = this.#slots.find(handle);
    return slot >= 0 && (this.#u32[slot * SLOT_HALVES + PUSH.flags]! & PUSH_FLAG.head) !== 0;
  }

  /** The context's words (trace id, span id of the push), for the subscriber. */
  identity(handle: PushHandle, out: Uint32Array): void {
    const half = this.#slots.find(handle) * SLOT_HALVES;
    if (half < 0) {
      out.fill(0, 0, 6);
      return;
    }
    for (let index = 0; index < 6; index += 1) out[index] = this.#u32[half + PUSH.trace + index]!;
  }

  /** Of one that comes late. */
  waited(handle: PushHandle, waitedMs: number): void {
    const slot = this.#slots.find(handle);
    if (slot >= 0) this.#f64[slot * PUSH_WORDS_WITH_MORE + PUSH.waitedMs] = waitedMs;
  }

  /** It went out at QoS 1 or 2: the slot stays until `acknowledged`, `disconnected` or `forget`. */
  sent(handle: PushHandle, packetId: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    this.#u32[slot * SLOT_HALVES + PUSH.flags]! |= PUSH_FLAG.sent;
    this.#u32[slot * SLOT_HALVES + PUSH.packetId] = packetId;
  }

  /** It did not go out: PUSH_FLAG.droppedTooLarge or droppedQueueFull. */
  dropped(handle: PushHandle, flag: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    const at = slot * SLOT_HALVES + PUSH.flags;
    this.#u32[at]! |= flag;
    // Of any other delivery the first span of the trace is the publisher's.
    if ((this.#u32[at]! & PUSH_FLAG.linked) !== 0) this.#metrics.add(traceErrorsTotal);
  }

  /** One more delivery of the rest of a fan-out. */
  counted(handle: PushHandle, isFailed: boolean): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    this.#u32[slot * SLOT_HALVES + PUSH.count]! += 1;
    if (isFailed) this.#u32[slot * SLOT_HALVES + PUSH.failures]! += 1;
  }

  /** PUBREC has come. The first one counts. */
  received(handle: PushHandle, at: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    if ((this.#u32[slot * SLOT_HALVES + PUSH.flags]! & PUSH_FLAG.more) === 0) this.#beginMore(slot, 0, 0);
    const word = slot * PUSH_WORDS_WITH_MORE + PUSH.receivedAt;
    if (this.#f64[word] === 0) this.#f64[word] = this.#notBeforeBegun(slot, at);
  }

  /** The packet that ends the delivery has come; readers see its record with `endAcknowledged`. The first one counts. */
  acknowledged(handle: PushHandle, reasonCode: number, at: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    this.#u32[slot * SLOT_HALVES + PUSH.flags]! |= PUSH_FLAG.confirmed | (reasonCode << PUSH_REASON_SHIFT);
    this.#f64[slot * PUSH_WORDS_WITH_MORE + PUSH.confirmedAt] = this.#notBeforeBegun(slot, at);
    this.#write(slot);
    this.#hasUnannounced = true;
  }

  /** The delivery ends without its confirmation. */
  disconnected(handle: PushHandle, at: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    this.#u32[slot * SLOT_HALVES + PUSH.flags]! |= PUSH_FLAG.disconnected;
    this.#f64[slot * PUSH_WORDS_WITH_MORE + PUSH.confirmedAt] = at;
    this.#write(slot);
    this.#writer.announce();
  }

  /** What was begun since the last call has been pushed; what waits for no confirmation is over. */
  endStage(at: number): void {
    if (this.#stageCount === 0) return;
    this.#endPushed(at, 0);
    this.#writer.announce();
  }

  /** What was acknowledged since the last call has been dealt with. */
  endAcknowledged(): void {
    if (!this.#hasUnannounced) return;
    this.#hasUnannounced = false;
    this.#writer.announce();
  }

  #beginMore(slot: number, topic: number, extra: number): void {
    const half = slot * SLOT_HALVES;
    const word = slot * PUSH_WORDS_WITH_MORE;
    this.#u32[half + PUSH.flags]! |= PUSH_FLAG.more;
    this.#f64[word + PUSH.receivedAt] = 0;
    this.#f64[word + PUSH.waitedMs] = 0;
    this.#u32[half + PUSH.topic] = topic;
    this.#u32[half + PUSH.extra] = extra;
    this.#u32[half + PUSH.count] = 0;
    this.#u32[half + PUSH.failures] = 0;
  }

  /** `staying`: pushes with one of these flags go on with the stage. */
  #endPushed(at: number, staying: number): void {
    const stage = this.#stage;
    const stageCount = this.#stageCount;
    this.#stageCount = 0;
    // Nothing stands behind the loop: compiled while it runs for the first time, the code knows nothing of what comes there,
    // and V8 gives it up at that point again and again.
    for (let index = 0; index < stageCount; index += 1) this.#endPush(stage[index]!, at, staying);
  }

  #endPush(handle: PushHandle, at: number, staying: number): void {
    const slot = this.#slots.find(handle);
    if (slot < 0) return;
    const flags = this.#u32[slot * SLOT_HALVES + PUSH.flags]!;
    if ((flags & staying) !== 0) {
      this.#stage[this.#stageCount] = handle;
      this.#stageCount += 1;
      return;
    }
    this.#f64[slot * PUSH_WORDS_WITH_MORE + PUSH.pushedAt] = at;
    if ((flags & PUSH_FLAG.sent) === 0) this.#write(slot);
  }

  /** A client may acknowledge what it has not seen yet, in a read that began before the delivery did. */
  #notBeforeBegun(slot: number, at: number): number {
    return Math.max(at, this.#f64[slot * PUSH_WORDS_WITH_MORE + PUSH.begunAt]!);
  }

  #write(slot: number): void {
    const from = slot * SLOT_HALVES;
    const word = slot * PUSH_WORDS_WITH_MORE;
    const pushedAt = this.#f64[word + PUSH.pushedAt]!;
    const confirmedAt = this.#f64[word + PUSH.confirmedAt]!;
    // Confirmed before its stage was over: it was pushed by then.
    if (confirmedAt !== 0 && (pushedAt === 0 || pushedAt > confirmedAt)) this.#f64[word + PUSH.pushedAt] = confirmedAt;
    const writer = this.#writer;
    const flags = this.#u32[from + PUSH.flags]!;
    const hasMore = (flags & PUSH_FLAG.more) !== 0;
    if (!writer.mayHold(this.#begunPositions[slot]!)) this.#forgetReferences(from, hasMore);
    const at = writer.reserve(RECORD.push, hasMore ? PUSH_WORDS_WITH_MORE : PUSH_WORDS);
    copyPush(this.#u32, this.#f64, word, writer.u32, writer.f64, at, hasMore);
    writer.complete(spansOfPush(flags, hasMore ? this.#f64[word + PUSH.receivedAt]! : 0));
    this.#slots.release(slot);
  }

  /** The delivery took so long that other records may have the positions of those it refers to. */
  #forgetReferences(half: number, hasMore: boolean): void {
    const u32 = this.#u32;
    if (u32[half + PUSH.client] !== 0) u32[half + PUSH.client] = OVERWRITTEN;
    if (!hasMore) return;
    if (u32[half + PUSH.topic] !== 0) u32[half + PUSH.topic] = OVERWRITTEN;
    if (u32[half + PUSH.extra] !== 0) u32[half + PUSH.extra] = OVERWRITTEN;
  }
}
