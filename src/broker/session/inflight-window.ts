import { assert } from '../../base/errors.ts';

/** How far a QoS 1 or 2 message has got: sent, or received by the client (PUBREC) and waiting for PUBCOMP. */
export const InflightState = { sent: 1, received: 2 } as const;
export type InflightState = (typeof InflightState)[keyof typeof InflightState];

/**
 * What an acknowledgement did. `repeated`: a second PUBREC, to be answered with PUBREL like the first; `wrongState`: the
 * packet identifier is in use, but not for a message that this packet answers.
 */
export const AckOutcome = { done: 0, repeated: 1, unknown: 2, wrongState: 3 } as const;
export type AckOutcome = (typeof AckOutcome)[keyof typeof AckOutcome];

/** In place of a subscription's number: the message was retained and sent because of a new subscription. */
export const FROM_RETAINED = 0xffff_ffff;

const LARGEST_PACKET_ID = 65_535;
const SMALLEST_CAPACITY = 8;
/** An emptied window larger than this gives its memory back; a smaller one is filled again with the next burst. */
const KEPT_CAPACITY = 512;

/** A slot's integers: packet id (0 is free), state, QoS, shard, group, and the slots sent before and after it. */
const [ID, STATE, QOS, SHARD, GROUP, BEFORE, AFTER, INTEGERS] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
/** A slot's other numbers. */
const [OFFSET, SENT_AT, SPAN, NUMBERS] = [0, 1, 2, 3] as const;
const NO_SLOT = 0xffff_ffff;

/**
 * The messages sent to a client and not yet acknowledged. A message stands in the slot `packetId & mask`, and the slots
 * are linked in order of sending. Nothing is allocated for a message; an idle session has no slots at all.
 *
 * Every operation that finds a message leaves what is known of it in the fields below.
 */
export class InflightWindow {
  packetId = 0;
  state: InflightState = InflightState.sent;
  qos = 0;
  shard = 0;
  offset = 0;
  /** Unix milliseconds; 0 after recovery until sent again. */
  sentAt = 0;
  /** By which of the session's subscriptions it came: a shared group, one of its own, 0 or FROM_RETAINED; subscription-number.ts. */
  group = 0;
  /** Handle of the span that ends with the acknowledgement; 0 for none. */
  span = 0;
  /** How many may be in flight: the smaller of the client's receive maximum and ours [MQTT-3.3.4-9]. */
  limit: number;
  /** Where the search for the next free packet identifier begins. */
  nextPacketId = 1;
  #count = 0;
  #mask = -1;
  #integers = new Uint32Array(0);
  #numbers = new Float64Array(0);
  #oldest = NO_SLOT;
  #newest = NO_SLOT;

  constructor(limit: number) {
    this.limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  get hasRoom(): boolean {
    return this.#count < this.limit;
  }

  /** Takes a packet identifier that is not 0 and not in use [MQTT-2.2.1-4]; 0 when the window is full. */
  reserve(qos: number, shard: number, offset: number, sentAt: number, group = 0, span = 0): number {
    if (this.#count >= this.limit || this.#count >= LARGEST_PACKET_ID) return 0;
    if (this.#count > this.#mask) this.#grow();
    const packetId = this.#findFree();
    this.nextPacketId = packetId === LARGEST_PACKET_ID ? 1 : packetId + 1;
    this.#put(packetId, qos, InflightState.sent, shard, offset, sentAt, group, span);
    return packetId;
  }

  /** Puts back a message from a checkpoint. To be called in the order in which `inOrder` gave them. */
  restore(packetId: number, qos: number, state: InflightState, shard: number, offset: number, group = 0): void {
    while (this.#mask < 0 || this.#integers[(packetId & this.#mask) * INTEGERS + ID] !== 0) {
      assert(this.#idAt(packetId) !== packetId, 'a packet identifier is restored once');
      this.#grow();
    }
    this.#put(packetId, qos, state, shard, offset, 0, group, 0);
  }

  /** PUBACK, whatever its reason code. */
  acknowledge(packetId: number): AckOutcome {
    if (!this.#load(packetId)) return AckOutcome.unknown;
    if (this.qos !== 1) return AckOutcome.wrongState;
    this.#remove(packetId & this.#mask);
    return AckOutcome.done;
  }

  /** PUBREC below 0x80: the message is the client's, and is not sent again [MQTT-4.3.3-6]. */
  received(packetId: number): AckOutcome {
    if (!this.#load(packetId)) return AckOutcome.unknown;
    if (this.qos !== 2) return AckOutcome.wrongState;
    if (this.state === InflightState.received) return AckOutcome.repeated;
    const slot = packetId & this.#mask;
    // To the end, because PUBREL is sent in the order in which PUBREC came [MQTT-4.6.0-4].
    this.#unlink(slot);
    this.#append(slot);
    this.#integers[slot * INTEGERS + STATE] = InflightState.received;
    this.state = InflightState.received;
    return AckOutcome.done;
  }

  /** PUBREC of 0x80 or above: the message is given up and its identifier free (MQTT 5 section 4.3.3). */
  refused(packetId: number): AckOutcome {
    return this.#finish(packetId, InflightState.sent);
  }

  /** PUBCOMP. */
  completed(packetId: number): AckOutcome {
    return this.#finish(packetId, InflightState.received);
  }

  /** The message goes out once more: a new time and span, the same identifier [MQTT-4.4.0-1]. False when unknown. */
  resent(packetId: number, sentAt: number, span: number): boolean {
    if (!this.#load(packetId)) return false;
    const at = (packetId & this.#mask) * NUMBERS;
    this.#numbers[at + SENT_AT] = sentAt;
    this.#numbers[at + SPAN] = span;
    this.sentAt = sentAt;
    this.span = span;
    return true;
  }

  /** The lowest offset of a shard still in flight; -1 for none. */
  lowestOffset(shard: number): number {
    let lowest = -1;
    for (let slot = this.#oldest; slot !== NO_SLOT; slot = this.#integers[slot * INTEGERS + AFTER]!) {
      if (this.#integers[slot * INTEGERS + SHARD] !== shard) continue;
      const offset = this.#numbers[slot * NUMBERS + OFFSET]!;
      if (lowest === -1 || offset < lowest) lowest = offset;
    }
    return lowest;
  }

  /**
   * Visits what is in flight, its fields filled in: messages in order of their first sending [MQTT-4.6.0-1], those
   * received in order of their PUBREC. The visitor may end the message it visits, and no other.
   */
  inOrder(visit: (window: this) => void): void {
    let slot = this.#oldest;
    while (slot !== NO_SLOT) {
      const after = this.#integers[slot * INTEGERS + AFTER]!;
      this.#load(this.#integers[slot * INTEGERS + ID]!);
      visit(this);
      slot = after;
    }
  }

  /** Forgets everything in flight. Packet identifiers go on. */
  clear(): void {
    this.#count = 0;
    this.#oldest = NO_SLOT;
    this.#newest = NO_SLOT;
    this.#release();
  }

  #finish(packetId: number, expected: InflightState): AckOutcome {
    if (!this.#load(packetId)) return AckOutcome.unknown;
    if (this.qos !== 2 || this.state !== expected) return AckOutcome.wrongState;
    this.#remove(packetId & this.#mask);
    return AckOutcome.done;
  }

  #idAt(packetId: number): number {
    return this.#mask < 0 ? 0 : this.#integers[(packetId & this.#mask) * INTEGERS + ID]!;
  }

  /** Fills the fields from the slot; false when the identifier is not in use. */
  #load(packetId: number): boolean {
    if (packetId === 0 || this.#idAt(packetId) !== packetId) return false;
    const slot = packetId & this.#mask;
    const integers = this.#integers;
    const numbers = this.#numbers;
    const at = slot * INTEGERS;
    this.packetId = packetId;
    this.state = integers[at + STATE] as InflightState;
    this.qos = integers[at + QOS]!;
    this.shard = integers[at + SHARD]!;
    this.group = integers[at + GROUP]!;
    this.offset = numbers[slot * NUMBERS + OFFSET]!;
    this.sentAt = numbers[slot * NUMBERS + SENT_AT]!;
    this.span = numbers[slot * NUMBERS + SPAN]!;
    return true;
  }

  /** The first identifier from `nextPacketId` on whose slot is free; there is one, since not every slot is taken. */
  #findFree(): number {
    let packetId = this.nextPacketId;
    while (this.#integers[(packetId & this.#mask) * INTEGERS + ID] !== 0) {
      packetId = packetId === LARGEST_PACKET_ID ? 1 : packetId + 1;
    }
    return packetId;
  }

  #put(
    packetId: number,
    qos: number,
    state: InflightState,
    shard: number,
    offset: number,
    sentAt: number,
    group: number,
    span: number,
  ): void {
    const slot = packetId & this.#mask;
    const integers = this.#integers;
    const at = slot * INTEGERS;
    integers[at + ID] = packetId;
    integers[at + STATE] = state;
    integers[at + QOS] = qos;
    integers[at + SHARD] = shard;
    integers[at + GROUP] = group;
    this.#numbers[slot * NUMBERS + OFFSET] = offset;
    this.#numbers[slot * NUMBERS + SENT_AT] = sentAt;
    this.#numbers[slot * NUMBERS + SPAN] = span;
    this.#append(slot);
    this.#count += 1;
  }

  #remove(slot: number): void {
    this.#unlink(slot);
    this.#integers[slot * INTEGERS + ID] = 0;
    this.#count -= 1;
    if (this.#count === 0 && this.#mask >= KEPT_CAPACITY) this.#release();
  }

  #append(slot: number): void {
    const integers = this.#integers;
    integers[slot * INTEGERS + BEFORE] = this.#newest;
    integers[slot * INTEGERS + AFTER] = NO_SLOT;
    if (this.#newest === NO_SLOT) this.#oldest = slot;
    else integers[this.#newest * INTEGERS + AFTER] = slot;
    this.#newest = slot;
  }

  #unlink(slot: number): void {
    const integers = this.#integers;
    const before = integers[slot * INTEGERS + BEFORE]!;
    const after = integers[slot * INTEGERS + AFTER]!;
    if (before === NO_SLOT) this.#oldest = after;
    else integers[before * INTEGERS + AFTER] = after;
    if (after === NO_SLOT) this.#newest = before;
    else integers[after * INTEGERS + BEFORE] = before;
  }

  /** Twice the slots. Identifiers that differed under the smaller mask differ under the larger one. */
  #grow(): void {
    const [integers, numbers, mask, oldest] = [this.#integers, this.#numbers, this.#mask, this.#oldest];
    const capacity = mask < 0 ? SMALLEST_CAPACITY : (mask + 1) * 2;
    this.#integers = new Uint32Array(capacity * INTEGERS);
    this.#numbers = new Float64Array(capacity * NUMBERS);
    this.#mask = capacity - 1;
    this.#oldest = NO_SLOT;
    this.#newest = NO_SLOT;
    for (let slot = oldest; slot !== NO_SLOT; slot = integers[slot * INTEGERS + AFTER]!) {
      const moved = integers[slot * INTEGERS + ID]! & this.#mask;
      this.#integers.set(integers.subarray(slot * INTEGERS, (slot + 1) * INTEGERS), moved * INTEGERS);
      this.#numbers.set(numbers.subarray(slot * NUMBERS, (slot + 1) * NUMBERS), moved * NUMBERS);
      this.#append(moved);
    }
  }

  #release(): void {
    this.#mask = -1;
    this.#integers = new Uint32Array(0);
    this.#numbers = new Float64Array(0);
  }
}
