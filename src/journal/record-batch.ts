import { assert } from '../base/errors.ts';

/*
 * A record batch is the unit of append, of the checksum and of the file: the bytes a broker builds are the bytes a
 * segment holds, so that nothing is copied or encoded twice. All integers are little-endian.
 *
 *   batch   := magic:u32 length:u32 crc32c:u32 salt:u32 base_offset:f64 count:u32 unsynced:u32
 *              first_timestamp:f64 last_timestamp:f64 record*
 *              length counts the whole batch; the checksum covers everything behind itself (from byte 12 on)
 *              salt: drawn per segment, so that a payload cannot pass for a batch when a damaged segment is searched
 *              unsynced: how many bytes right before this batch were not known to be durable when it was written;
 *              recovery tells by it a tail that a crash tore from damage to what had been durable
 *   record  := length:u32 kind:u8 flags:u8 packet_id:u16 timestamp:f64 expiry_s:u32 context:25 reserved:u8
 *              topic_length:u16 publisher_length:u16 properties_length:u32 topic publisher properties payload
 *              length counts the whole record
 *   flags   := qos (bits 0-1) | retain (bit 2)
 */
export const BATCH_MAGIC = 0x31514d52; // "RMQ1"
export const BATCH_HEADER_BYTES = 48;
export const RECORD_HEADER_BYTES = 54;
/** Trace id (16), span id (8), flags (1); all zero where the message has no trace. */
export const RECORD_CONTEXT_BYTES = 25;
export const NO_EXPIRY = 0xffff_ffff;

export const RecordKind = { message: 0, session: 1 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

const CONTEXT_AT = 20;

/** What a record says beside its byte ranges; reused by the caller, so that adding allocates nothing. */
export interface RecordFields {
  kind: RecordKind;
  qos: number;
  retain: boolean;
  /** The publisher's packet identifier (QoS 2 only, else 0): together with the publisher it makes a repeat recognisable. */
  packetId: number;
  /** Unix milliseconds at which the broker received the message. */
  timestamp: number;
  /** Message expiry in seconds from `timestamp`, or NO_EXPIRY. */
  expirySeconds: number;
}

const NO_CONTEXT = new DataView(new ArrayBuffer(RECORD_CONTEXT_BYTES));

/** With the reserved byte behind it. By words: a loop over the bytes takes five times as long. */
function copyContext(from: DataView, at: number, to: DataView, toAt: number): void {
  to.setUint32(toAt, from.getUint32(at));
  to.setUint32(toAt + 4, from.getUint32(at + 4));
  to.setUint32(toAt + 8, from.getUint32(at + 8));
  to.setUint32(toAt + 12, from.getUint32(at + 12));
  to.setUint32(toAt + 16, from.getUint32(at + 16));
  to.setUint32(toAt + 20, from.getUint32(at + 20));
  to.setUint16(toAt + 24, from.getUint8(at + 24) << 8);
}

/** A growing batch. It owns its buffer until `reset`; a journal may read it until the append settles. */
export class RecordBatch {
  buffer: Buffer;
  length = BATCH_HEADER_BYTES;
  count = 0;
  /** Where in `buffer` the contexts of the traced records lie: what the journal's own spans belong to. */
  readonly traced: number[] = [];
  #view: DataView;
  /** The context added last. */
  #context: Uint8Array | undefined;
  #contextView: DataView = NO_CONTEXT;
  #firstTimestamp = 0;
  #lastTimestamp = 0;

  constructor(capacityBytes = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(capacityBytes, BATCH_HEADER_BYTES));
    this.#view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.byteLength);
  }

  /**
   * Adds a record and returns its position in the buffer. Ranges are copied at once; the sources may be reused.
   * `context` may be undefined where the message has no trace.
   */
  add(
    fields: RecordFields,
    topic: Uint8Array,
    publisher: Uint8Array,
    properties: Uint8Array,
    propertiesStart: number,
    propertiesEnd: number,
    payload: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
    context: Uint8Array | undefined,
    contextOffset: number,
  ): number {
    const propertiesLength = propertiesEnd - propertiesStart;
    const size = RECORD_HEADER_BYTES + topic.length + publisher.length + propertiesLength + (payloadEnd - payloadStart);
    const position = this.length;
    if (position + size > this.buffer.length) this.#grow(position + size);
    const view = this.#view;
    const buffer = this.buffer;
    view.setUint32(position, size, true);
    view.setUint8(position + 4, fields.kind);
    view.setUint8(position + 5, fields.qos | (fields.retain ? 4 : 0));
    view.setUint16(position + 6, fields.packetId, true);
    view.setFloat64(position + 8, fields.timestamp, true);
    view.setUint32(position + 16, fields.expirySeconds, true);
    const contextAt = position + CONTEXT_AT;
    if (context !== undefined && fields.kind === RecordKind.message) this.traced.push(contextAt);
    if (context === undefined) copyContext(NO_CONTEXT, 0, view, contextAt);
    else copyContext(this.#viewOf(context), contextOffset, view, contextAt);
    view.setUint16(position + 46, topic.length, true);
    view.setUint16(position + 48, publisher.length, true);
    view.setUint32(position + 50, propertiesLength, true);
    let at = position + RECORD_HEADER_BYTES;
    buffer.set(topic, at);
    at += topic.length;
    buffer.set(publisher, at);
    at += publisher.length;
    if (propertiesLength > 0) buffer.set(properties.subarray(propertiesStart, propertiesEnd), at);
    at += propertiesLength;
    if (payloadEnd > payloadStart) buffer.set(payload.subarray(payloadStart, payloadEnd), at);
    if (this.count === 0) this.#firstTimestamp = fields.timestamp;
    this.#lastTimestamp = fields.timestamp;
    this.length = position + size;
    this.count += 1;
    return position;
  }

  /** Writes the header, all but checksum, salt, base offset and unsynced: those are the journal's to give. */
  seal(): Uint8Array {
    assert(this.count > 0, 'a batch is sealed with at least one record');
    const view = this.#view;
    view.setUint32(0, BATCH_MAGIC, true);
    view.setUint32(4, this.length, true);
    view.setUint32(8, 0, true);
    view.setUint32(12, 0, true);
    view.setFloat64(16, 0, true);
    view.setUint32(24, this.count, true);
    view.setUint32(28, 0, true);
    view.setFloat64(32, this.#firstTimestamp, true);
    view.setFloat64(40, this.#lastTimestamp, true);
    return this.buffer.subarray(0, this.length);
  }

  /** Empties the batch for reuse. A buffer that one large batch blew up is given back. */
  reset(keepBytes = 1024 * 1024): void {
    this.length = BATCH_HEADER_BYTES;
    this.count = 0;
    this.traced.length = 0;
    if (this.buffer.length > keepBytes) this.#allocate(64 * 1024);
  }

  /** Those who add records bring their contexts in the same array again and again. */
  #viewOf(context: Uint8Array): DataView {
    if (context !== this.#context) {
      this.#context = context;
      this.#contextView = new DataView(context.buffer, context.byteOffset, context.byteLength);
    }
    return this.#contextView;
  }

  #grow(needed: number): void {
    const old = this.buffer;
    this.#allocate(Math.max(needed, old.length * 2));
    this.buffer.set(old.subarray(0, this.length));
  }

  #allocate(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.byteLength);
  }
}

/** Reads one record where it lies. Reused: `at` points it to the next one. All fields are positions in `buffer`. */
export class RecordView {
  buffer: Uint8Array = new Uint8Array(0);
  position = 0;
  length = 0;
  kind: RecordKind = RecordKind.message;
  qos = 0;
  retain = false;
  packetId = 0;
  timestamp = 0;
  expirySeconds = NO_EXPIRY;
  contextStart = 0;
  topicStart = 0;
  topicEnd = 0;
  publisherStart = 0;
  publisherEnd = 0;
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** Points the view at the record that begins at `position`. The bytes must have passed their batch's checksum. */
  at(buffer: Uint8Array, position: number): this {
    if (buffer !== this.buffer) {
      this.buffer = buffer;
      this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    }
    const view = this.#view;
    this.position = position;
    this.length = view.getUint32(position, true);
    this.kind = view.getUint8(position + 4) as RecordKind;
    const flags = view.getUint8(position + 5);
    this.qos = flags & 3;
    this.retain = (flags & 4) !== 0;
    this.packetId = view.getUint16(position + 6, true);
    this.timestamp = view.getFloat64(position + 8, true);
    this.expirySeconds = view.getUint32(position + 16, true);
    this.contextStart = position + CONTEXT_AT;
    this.topicStart = position + RECORD_HEADER_BYTES;
    this.topicEnd = this.topicStart + view.getUint16(position + 46, true);
    this.publisherStart = this.topicEnd;
    this.publisherEnd = this.publisherStart + view.getUint16(position + 48, true);
    this.propertiesStart = this.publisherEnd;
    this.propertiesEnd = this.propertiesStart + view.getUint32(position + 50, true);
    this.payloadStart = this.propertiesEnd;
    this.payloadEnd = position + this.length;
    return this;
  }

  /** Where the next record begins. */
  get next(): number {
    return this.position + this.length;
  }

  /** False for a record without a trace (its context is all zero). */
  get hasContext(): boolean {
    const { contextStart: at } = this;
    const view = this.#view;
    const ids =
      view.getUint32(at) |
      view.getUint32(at + 4) |
      view.getUint32(at + 8) |
      view.getUint32(at + 12) |
      view.getUint32(at + 16) |
      view.getUint32(at + 20);
    return (ids | view.getUint8(at + 24)) !== 0;
  }

  /** The context as six words in memory order, and, returned, its flags. */
  readContext(words: Uint32Array): number {
    const { contextStart: at } = this;
    const view = this.#view;
    words[0] = view.getUint32(at, true);
    words[1] = view.getUint32(at + 4, true);
    words[2] = view.getUint32(at + 8, true);
    words[3] = view.getUint32(at + 12, true);
    words[4] = view.getUint32(at + 16, true);
    words[5] = view.getUint32(at + 20, true);
    return view.getUint8(at + 24);
  }
}
