import { writeMessageExpiry, writeSubscriptionIdentifier, writeUserProperty } from '../../mqtt/forwarded-properties.ts';
import { packetIdPosition, publishSize, writePublish } from '../../mqtt/write-publish.ts';
import { formatTraceparent, TRACEPARENT_BYTES } from '../../telemetry/trace-context.ts';
import { type Message, NO_EXPIRY_SECONDS } from './message.ts';
import { TRACEPARENT_NAME, withoutTraceparent } from './traceparent-property.ts';

/** What delivery does to the user property `traceparent` of MQTT 5 messages. */
export type Propagation = 'inject-if-absent' | 'replace' | 'preserve';

const NO_IDENTIFIERS: readonly number[] = [];
const VARIANTS = 12;
/** Message expiry (5) and `traceparent` (5 + 11 + 55), with room to spare. */
const FIXED_EXTRA_BYTES = 128;
/** A Variable Byte Integer and the property's own byte. */
const IDENTIFIER_BYTES = 5;

/**
 * Encodes a message once for each way in which subscribers want it (version, QoS, retain flag) and shares the bytes
 * among them: only the packet identifier differs, and is patched in the copy.
 */
export class PublishEncoder {
  /** The encoding found by the last `encode`: bytes `[start, end)`, its packet identifier at `packetIdAt` from `start`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  start = 0;
  end = 0;
  packetIdAt = 0;
  readonly #propagation: Propagation;
  readonly #starts = new Int32Array(VARIANTS).fill(-1);
  readonly #ends = new Int32Array(VARIANTS);
  readonly #packetIdsAt = new Int32Array(VARIANTS);
  #extra = Buffer.alloc(FIXED_EXTRA_BYTES);
  readonly #traceparent = Buffer.alloc(TRACEPARENT_BYTES);
  #used = 0;

  constructor(propagation: Propagation) {
    this.#propagation = propagation;
  }

  /** Forgets the encodings of the last message. */
  begin(): void {
    if (this.#used === 0) return;
    this.#starts.fill(-1);
    this.#used = 0;
  }

  /**
   * Finds or makes the encoding. `context`, where given, is the span that `traceparent` is to name (the push of a
   * sampled message): such an encoding is the subscriber's own.
   */
  encode(
    message: Message,
    version: 4 | 5,
    qos: number,
    retain: boolean,
    identifiers: readonly number[] = NO_IDENTIFIERS,
    context?: Uint8Array,
  ): void {
    const shared = version === 4 || (identifiers.length === 0 && context === undefined);
    const variant = (version === 5 ? 6 : 0) + qos * 2 + (retain ? 1 : 0);
    if (shared && this.#starts[variant] !== -1) {
      this.start = this.#starts[variant]!;
      this.end = this.#ends[variant]!;
      this.packetIdAt = this.#packetIdsAt[variant]!;
      return;
    }
    this.#write(message, version, qos, retain, identifiers, context ?? message.context);
    if (!shared) return;
    this.#starts[variant] = this.start;
    this.#ends[variant] = this.end;
    this.#packetIdsAt[variant] = this.packetIdAt;
  }

  #write(
    message: Message,
    version: 4 | 5,
    qos: number,
    retain: boolean,
    identifiers: readonly number[],
    context: Uint8Array,
  ): void {
    const topic = message.topic.bytes;
    const extraLength = version === 5 ? this.#writeExtra(message, identifiers, context) : 0;
    const replaces = version === 5 && message.hasTraceparent && this.#injects(message);
    const properties = replaces
      ? withoutTraceparent(message.properties, message.propertiesStart, message.propertiesEnd)
      : message.properties;
    const propertiesStart = replaces ? 0 : message.propertiesStart;
    const propertiesEnd = replaces ? properties.length : message.propertiesEnd;
    const propertiesLength = version === 5 ? extraLength + (propertiesEnd - propertiesStart) : 0;
    const size = publishSize(version, topic.length, qos, propertiesLength, message.payloadEnd - message.payloadStart);
    this.#makeRoom(size);
    this.start = this.#used;
    this.end = writePublish(
      this.bytes,
      this.start,
      version,
      (qos << 1) | (retain ? 1 : 0),
      topic,
      0,
      extraLength === 0 ? undefined : this.#extra.subarray(0, extraLength),
      properties,
      propertiesStart,
      propertiesEnd,
      message.payload,
      message.payloadStart,
      message.payloadEnd,
    );
    this.packetIdAt = qos === 0 ? 0 : packetIdPosition(this.bytes, this.start) - this.start;
    this.#used = this.end;
  }

  /** What the broker itself adds in front of the publisher's properties; returns its length. */
  #writeExtra(message: Message, identifiers: readonly number[], context: Uint8Array): number {
    const extra = this.#roomForExtra(identifiers.length);
    let at = 0;
    for (let index = 0; index < identifiers.length; index += 1)
      at = writeSubscriptionIdentifier(extra, at, identifiers[index]!);
    if (message.expirySeconds !== NO_EXPIRY_SECONDS) at = writeMessageExpiry(extra, at, message.expirySeconds);
    if (this.#injects(message)) {
      formatTraceparent(context, 0, this.#traceparent, 0);
      at = writeUserProperty(extra, at, TRACEPARENT_NAME, this.#traceparent);
    }
    return at;
  }

  #injects(message: Message): boolean {
    if (!message.hasContext || this.#propagation === 'preserve') return false;
    return this.#propagation === 'replace' || !message.hasTraceparent;
  }

  /** A client may have any number of overlapping subscriptions, each with an identifier. */
  #roomForExtra(identifiers: number): Buffer {
    const needed = FIXED_EXTRA_BYTES + identifiers * IDENTIFIER_BYTES;
    if (needed > this.#extra.length) this.#extra = Buffer.alloc(needed);
    return this.#extra;
  }

  #makeRoom(size: number): void {
    if (this.#used + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.#used + size));
    grown.set(this.bytes.subarray(0, this.#used));
    this.bytes = grown;
  }
}
