import {
  writeMessageExpiry,
  writeSubscriptionIdentifier,
  writeTopicAlias,
  writeUserProperty,
} from '../../mqtt/forwarded-properties.ts';
import { variableByteIntegerSize } from '../../mqtt/variable-byte-integer.ts';
import { packetIdPosition, publishSize, writePublish } from '../../mqtt/write-publish.ts';
import { formatTraceparent, TRACEPARENT_BYTES } from '../../telemetry/trace-context.ts';
import type { TopicAliases } from '../connection/topic-aliases.ts';
import type { Receiver } from '../session/receiver.ts';
import { type Message, NO_EXPIRY_SECONDS } from './message.ts';
import { TRACEPARENT_NAME, withoutReplaced } from './traceparent-property.ts';

/** What delivery does to the user property `traceparent` of MQTT 5 messages. */
export type Propagation = 'inject-if-absent' | 'replace' | 'preserve';

const NO_IDENTIFIERS: readonly number[] = [];
const NO_TOPIC = new Uint8Array(0);
/** QoS and retain flag. */
const WAYS = 6;
/** Of MQTT 3.1.1; then of 5 with the topic alone, with topic and alias, and with the alias alone. */
const VARIANTS = 4 * WAYS;
/** Topic alias (3), message expiry (5) and `traceparent` (5 + 11 + 55), with room to spare. */
const FIXED_EXTRA_BYTES = 128;
/** A Variable Byte Integer and the property's own byte. */
const IDENTIFIER_BYTES = 5;

/**
 * Encodes a message once for each way in which subscribers want it (version, QoS, retain flag, with or without a topic
 * alias) and shares the bytes among them: only packet identifier, alias and `traceparent` differ, and are patched before
 * the copy.
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
  readonly #aliasesAt = new Int32Array(VARIANTS);
  readonly #traceparentsAt = new Int32Array(VARIANTS);
  #aliasAt = 0;
  /** Where the value of the `traceparent` put in by the broker begins, from `start`; 0: there is none. */
  #traceparentAt = 0;
  /** Of the topic, in front, for which the encodings hold. */
  #hiddenBytes = 0;
  /** No `traceparent` is put into the encoding being made. */
  #untraced = false;
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
   * The encoding for one client: without the first bytes of the topic, which are its mount point, and with a topic alias
   * where the client takes them and the packet is not too large for it by that. Whoever sends it tells the aliases.
   * QoS 2 always goes by the topic's name: mqtt.js (5.16) keeps the packet until PUBREL as it came, and then hands up a
   * message with an empty topic. Nor must an alias be given by a packet that waits for the session log.
   */
  encodeFor(
    receiver: Receiver,
    hiddenBytes: number,
    message: Message,
    qos: number,
    retain: boolean,
    identifiers: readonly number[],
    context: Uint8Array | undefined,
  ): void {
    if (hiddenBytes !== this.#hiddenBytes) {
      this.begin();
      this.#hiddenBytes = hiddenBytes;
    }
    const { version, aliasesToClient: aliases } = receiver;
    if (qos === 2) aliases?.forgo();
    else aliases?.find(message.topic.name);
    this.encode(message, version, qos, retain, identifiers, context, aliases);
    if (this.end - this.start <= receiver.maximumPacketSize) return;
    if (aliases !== undefined && aliases.alias !== 0) {
      aliases.forgo();
      this.encode(message, version, qos, retain, identifiers, context);
      if (this.end - this.start <= receiver.maximumPacketSize) return;
    }
    if (version === 4 || !this.#injects(message)) return;
    // Nor does a message get lost for being traced.
    this.#untraced = true;
    this.encode(message, version, qos, retain, identifiers);
    this.#untraced = false;
  }

  /**
   * Finds or makes the encoding. `context`, where given, is the span that `traceparent` is to name: the push to this
   * subscriber. Otherwise it names the message's.
   */
  encode(
    message: Message,
    version: 4 | 5,
    qos: number,
    retain: boolean,
    identifiers: readonly number[] = NO_IDENTIFIERS,
    context?: Uint8Array,
    aliases?: TopicAliases,
  ): void {
    const alias = aliases === undefined ? 0 : aliases.alias;
    const byAliasAlone = alias !== 0 && aliases!.isKnown;
    const shared = version === 4 || (identifiers.length === 0 && !this.#untraced);
    const form = version === 4 ? 0 : alias === 0 ? 1 : byAliasAlone ? 3 : 2;
    const variant = form * WAYS + qos * 2 + (retain ? 1 : 0);
    if (shared && this.#starts[variant] !== -1) {
      this.start = this.#starts[variant]!;
      this.end = this.#ends[variant]!;
      this.packetIdAt = this.#packetIdsAt[variant]!;
      this.#aliasAt = this.#aliasesAt[variant]!;
      this.#traceparentAt = this.#traceparentsAt[variant]!;
      if (this.#traceparentAt > 0)
        formatTraceparent(context ?? message.context, 0, this.bytes, this.start + this.#traceparentAt);
    } else {
      this.#write(
        message,
        byAliasAlone ? NO_TOPIC : this.#visible(message.topic.bytes),
        alias,
        version,
        qos,
        retain,
        identifiers,
        context ?? message.context,
      );
      if (shared) this.#remember(variant);
    }
    if (alias !== 0) this.bytes.writeUInt16BE(alias, this.start + this.#aliasAt);
  }

  #visible(topic: Buffer): Uint8Array {
    return this.#hiddenBytes === 0 ? topic : topic.subarray(this.#hiddenBytes);
  }

  #remember(variant: number): void {
    this.#starts[variant] = this.start;
    this.#ends[variant] = this.end;
    this.#packetIdsAt[variant] = this.packetIdAt;
    this.#aliasesAt[variant] = this.#aliasAt;
    this.#traceparentsAt[variant] = this.#traceparentAt;
  }

  #write(
    message: Message,
    topic: Uint8Array,
    alias: number,
    version: 4 | 5,
    qos: number,
    retain: boolean,
    identifiers: readonly number[],
    context: Uint8Array,
  ): void {
    const extraLength = version === 5 ? this.#writeExtra(message, alias, identifiers, context) : 0;
    const replaces = version === 5 && message.hasTraceparent && this.#injects(message);
    const properties = replaces
      ? withoutReplaced(message.properties, message.propertiesStart, message.propertiesEnd, context)
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
    if (extraLength > 0) this.#locate(this.#propertiesPosition(qos, propertiesLength), extraLength, message);
    else this.#traceparentAt = 0;
    this.#used = this.end;
  }

  /** The alias is the first of the broker's own properties, behind the byte that says what it is; `traceparent` the last. */
  #locate(propertiesAt: number, extraLength: number, message: Message): void {
    this.#aliasAt = propertiesAt + 1;
    this.#traceparentAt = this.#injects(message) ? propertiesAt + extraLength - TRACEPARENT_BYTES : 0;
  }

  /** Where the first property lies, from `start`. */
  #propertiesPosition(qos: number, propertiesLength: number): number {
    const afterTopic = packetIdPosition(this.bytes, this.start) - this.start;
    return afterTopic + (qos === 0 ? 0 : 2) + variableByteIntegerSize(propertiesLength);
  }

  /** What the broker itself adds in front of the publisher's properties; returns its length. */
  #writeExtra(message: Message, alias: number, identifiers: readonly number[], context: Uint8Array): number {
    const extra = this.#roomForExtra(identifiers.length);
    let at = alias === 0 ? 0 : writeTopicAlias(extra, 0, alias);
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
    if (!message.hasContext || this.#untraced || this.#propagation === 'preserve') return false;
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
