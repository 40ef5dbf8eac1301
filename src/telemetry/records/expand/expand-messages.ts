import { ATTRIBUTES, SPANS } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { ENTRY, ENTRY_WORDS, FLAG, QOS_SHIFT, SHAPE, SHAPE_MASK, SHAPE_SHIFT } from '../message-entry.ts';
import { isFailed, MESSAGES, MESSAGES_HEADER_WORDS, spansOfEntry } from '../message-recorder.ts';
import { STAGE } from '../record-kinds.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import type { BrokerIdentityTexts } from './common-attributes.ts';
import { showExtras, showFailure } from './entries.ts';
import { type Expansion, forgetTexts, likenessOf, type UnitFacts } from './expansion.ts';
import { ShownIdentity } from './identity.ts';
import { type ClientFacts, LOST, type RecordSource } from './record-source.ts';

/** MESSAGES records: the broker's part of messages that were handled one by one, or stored. */
export class MessagesExpansion implements Expansion {
  readonly #source: RecordSource;
  readonly #broker: BrokerIdentityTexts;
  readonly #identity = new ShownIdentity();

  constructor(source: RecordSource, broker: BrokerIdentityTexts) {
    this.#source = source;
    this.#broker = broker;
  }

  units({ u32 }: RecordBlock, at: number): number {
    return u32[at * 2 + 1]!;
  }

  spans(block: RecordBlock, at: number): number {
    let spans = 0;
    const units = this.units(block, at);
    for (let unit = 0; unit < units; unit += 1) spans += this.unitSpans(block, at, unit);
    return spans;
  }

  unitSpans({ u32 }: RecordBlock, at: number, unit: number): number {
    return spansOfEntry(u32[entryAt(at, unit) * 2 + ENTRY.flags]!);
  }

  sharedSpans(): number {
    return 0;
  }

  showShared(): void {}

  trace({ u32 }: RecordBlock, at: number, unit: number, out: Uint32Array): void {
    const half = entryAt(at, unit) * 2;
    for (let index = 0; index < 4; index += 1) out[index] = u32[half + index]!;
  }

  facts({ u32, f64 }: RecordBlock, at: number, unit: number, facts: UnitFacts): void {
    const entry = entryAt(at, unit);
    const flags = u32[entry * 2 + ENTRY.flags]!;
    facts.operation = 'publish';
    facts.head = (flags & FLAG.head) !== 0;
    facts.forced = (flags & FLAG.forced) !== 0;
    facts.failed = isFailed(flags);
    facts.dropped = false;
    facts.redeliveries = 0;
    facts.startedAt = f64[entry + ENTRY.receivedAt]!;
    facts.endedAt = f64[at + MESSAGES.answeredAt]!;
    facts.client = u32[entry * 2 + ENTRY.client]!;
    forgetTexts(facts);
    facts.topic = u32[entry * 2 + ENTRY.topic]!;
    facts.threshold = u32[entry * 2 + ENTRY.threshold]!;
    facts.extra = u32[entry * 2 + ENTRY.extra]!;
    facts.awaitsEntry = false;
  }

  isAlike({ u32, f64 }: RecordBlock, at: number, unit: number, otherAt: number, otherUnit: number): boolean {
    if (at !== otherAt) return false;
    const one = entryAt(at, unit);
    const other = entryAt(at, otherUnit);
    if (f64[one + ENTRY.receivedAt] !== f64[other + ENTRY.receivedAt]) return false;
    if (f64[one + ENTRY.admittedAt] !== f64[other + ENTRY.admittedAt]) return false;
    const a = one * 2;
    const b = other * 2;
    return (
      u32[a + ENTRY.topic] === u32[b + ENTRY.topic] &&
      u32[a + ENTRY.client] === u32[b + ENTRY.client] &&
      u32[a + ENTRY.rule] === u32[b + ENTRY.rule] &&
      (u32[a + ENTRY.extra]! | u32[b + ENTRY.extra]!) === 0 &&
      u32[a + ENTRY.payloadBytes] === u32[b + ENTRY.payloadBytes] &&
      u32[a + ENTRY.flags]! >>> QOS_SHIFT === u32[b + ENTRY.flags]! >>> QOS_SHIFT &&
      u32[a + ENTRY.matched] === u32[b + ENTRY.matched] &&
      u32[a + ENTRY.threshold] === u32[b + ENTRY.threshold]
    );
  }

  likeness({ u32 }: RecordBlock, at: number, unit: number): number {
    const half = entryAt(at, unit) * 2;
    return likenessOf(u32[half + ENTRY.client]!, u32[half + ENTRY.topic]!) ^ (u32[half + ENTRY.flags]! >>> QOS_SHIFT);
  }

  signature({ u32, f64 }: RecordBlock, at: number, unit: number, out: Float64Array): number {
    const entry = entryAt(at, unit);
    const half = entry * 2;
    if (u32[half + ENTRY.extra] !== 0) return 0;
    out[0] = f64[at + MESSAGES.dispatchedAt]!;
    out[1] = f64[at + MESSAGES.answeredAt]!;
    out[2] = u32[at * 2 + MESSAGES.connections]!;
    out[3] = u32[at * 2 + MESSAGES.queueDepth]!;
    out[4] = u32[at * 2 + MESSAGES.shard]!;
    out[5] = u32[at * 2 + 1]!;
    out[6] = f64[entry + ENTRY.receivedAt]!;
    out[7] = f64[entry + ENTRY.admittedAt]!;
    out[8] = u32[half + ENTRY.client]!;
    out[9] = u32[half + ENTRY.topic]!;
    out[10] = u32[half + ENTRY.rule]!;
    out[11] = u32[half + ENTRY.payloadBytes]!;
    out[12] = u32[half + ENTRY.flags]! >>> QOS_SHIFT;
    out[13] = u32[half + ENTRY.matched]!;
    return 14;
  }

  identity({ u32 }: RecordBlock, at: number, unit: number, out: Uint32Array): number {
    const half = entryAt(at, unit) * 2;
    for (let word = 0; word < 8; word += 1) out[word] = u32[half + word]!;
    return u32[half + ENTRY.flags]! & 0xffff;
  }

  show(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const entry = entryAt(at, unit);
    const half = entry * 2;
    const flags = u32[half + ENTRY.flags]!;
    const shape = (flags >>> SHAPE_SHIFT) & SHAPE_MASK;
    const client = this.#source.client(u32[half + ENTRY.client]!);
    const receivedAt = f64[entry + ENTRY.receivedAt]!;
    const admittedAt = f64[entry + ENTRY.admittedAt]!;
    this.#showPublish(block, at, entry, flags, client, visitor);
    if ((flags & FLAG.will) === 0) this.#showAccess(block, entry, flags, client, visitor);
    if (shape === SHAPE.stored || shape === SHAPE.unstored) this.#showStoring(block, at, entry, shape, visitor);
    if (shape !== SHAPE.direct && shape !== SHAPE.stored) return;
    const dispatchedAt = shape === SHAPE.direct ? admittedAt : f64[at + MESSAGES.dispatchedAt]!;
    const matchedAt = shape === SHAPE.direct ? admittedAt : f64[at + MESSAGES.answeredAt]!;
    this.#identity.stage(STAGE.match, STAGE.publish);
    visitor.begin(
      SPANS.subscriptionMatch,
      this.#identity,
      shape === SHAPE.direct ? receivedAt : dispatchedAt,
      matchedAt,
    );
    visitor.number(ATTRIBUTES.subscriptionCount, u32[half + ENTRY.matched]!);
    visitor.end();
  }

  #showPublish(
    block: RecordBlock,
    at: number,
    entry: number,
    flags: number,
    client: ClientFacts,
    visitor: SpanVisitor,
  ): void {
    const { u32, f64 } = block;
    const half = entry * 2;
    const identity = this.#identity;
    identity.take(u32, half);
    identity.words[6] = u32[half + ENTRY.parent]!;
    identity.words[7] = u32[half + ENTRY.parent + 1]!;
    identity.isParentRemote = (flags & FLAG.remoteParent) !== 0;
    identity.isEntry = true;
    const isWill = (flags & FLAG.will) !== 0;
    const shape = (flags >>> SHAPE_SHIFT) & SHAPE_MASK;
    const receivedAt = f64[entry + ENTRY.receivedAt]!;
    const answeredAt = f64[at + MESSAGES.answeredAt]!;
    visitor.begin(isWill ? SPANS.willPublish : SPANS.mqttPublish, identity, receivedAt, answeredAt);
    visitor.text(ATTRIBUTES.mqttClientId, client.clientId);
    visitor.text(ATTRIBUTES.mqttTopic, this.#source.text(u32[half + ENTRY.topic]!));
    const qos = (flags >>> QOS_SHIFT) & 3;
    visitor.number(ATTRIBUTES.mqttQos, qos);
    visitor.number(ATTRIBUTES.mqttRetain, (flags & FLAG.retain) === 0 ? 0 : 1);
    visitor.number(ATTRIBUTES.mqttPayloadSize, u32[half + ENTRY.payloadBytes]!);
    if (!isWill) {
      if (qos > 0) visitor.number(ATTRIBUTES.mqttPacketId, flags & 0xffff);
      if ((flags & FLAG.duplicate) !== 0) visitor.number(ATTRIBUTES.mqttDuplicate, 1);
      visitor.text(ATTRIBUTES.networkPeerAddress, client.address);
      visitor.number(ATTRIBUTES.networkPeerPort, client.port);
      visitor.text(ATTRIBUTES.userName, client.user);
    }
    visitor.text(ATTRIBUTES.robustmqCluster, this.#broker.cluster);
    visitor.text(ATTRIBUTES.robustmqBrokerId, this.#broker.brokerId);
    visitor.text(ATTRIBUTES.robustmqSessionId, client.sessionId);
    if (!isWill) {
      visitor.number(ATTRIBUTES.performanceConnectionCount, u32[at * 2 + MESSAGES.connections]!);
      visitor.number(ATTRIBUTES.performanceQueueDepth, u32[at * 2 + MESSAGES.queueDepth]!);
    }
    visitor.number(ATTRIBUTES.performanceLatencyMs, answeredAt - receivedAt);
    const succeeded = shape === SHAPE.direct || shape === SHAPE.stored || shape === SHAPE.repeated;
    visitor.number(ATTRIBUTES.performanceSuccess, succeeded ? 1 : 0);
    const shared = u32[at * 2 + 1]!;
    if (shared > 1) visitor.number(ATTRIBUTES.stageMessages, shared);
    const isKnown = showExtras(this.#source, u32[half + ENTRY.extra]!, visitor);
    if (!isKnown && isFailed(flags)) visitor.fail(LOST);
    visitor.end();
  }

  #showAccess(block: RecordBlock, entry: number, flags: number, client: ClientFacts, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const identity = this.#identity;
    const receivedAt = f64[entry + ENTRY.receivedAt]!;
    const admittedAt = f64[entry + ENTRY.admittedAt]!;
    identity.stage(STAGE.validate, STAGE.publish);
    visitor.begin(SPANS.authValidate, identity, receivedAt, admittedAt);
    visitor.text(ATTRIBUTES.authMethod, client.authMethod);
    visitor.number(ATTRIBUTES.authCached, 1);
    visitor.end();
    identity.stage(STAGE.authorize, STAGE.publish);
    visitor.begin(SPANS.topicAuthorize, identity, receivedAt, admittedAt);
    visitor.text(ATTRIBUTES.mqttTopic, this.#source.text(u32[entry * 2 + ENTRY.topic]!));
    visitor.text(ATTRIBUTES.authRule, this.#source.text(u32[entry * 2 + ENTRY.rule]!));
    visitor.number(ATTRIBUTES.authCached, (flags & FLAG.cached) === 0 ? 0 : 1);
    const isRefused = ((flags >>> SHAPE_SHIFT) & SHAPE_MASK) === SHAPE.unauthorized;
    if (isRefused) showFailure(this.#source, u32[entry * 2 + ENTRY.extra]!, visitor);
    visitor.end();
  }

  #showStoring(block: RecordBlock, at: number, entry: number, shape: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const identity = this.#identity;
    const receivedAt = f64[entry + ENTRY.receivedAt]!;
    const admittedAt = f64[entry + ENTRY.admittedAt]!;
    identity.stage(STAGE.persist, STAGE.publish);
    // Storing begins with the question where to, which is asked while the message is admitted: they share their time.
    visitor.begin(SPANS.storagePersist, identity, receivedAt, f64[at + MESSAGES.dispatchedAt]!);
    if (shape === SHAPE.unstored) showFailure(this.#source, u32[entry * 2 + ENTRY.extra]!, visitor);
    visitor.end();
    identity.stage(STAGE.query, STAGE.persist);
    visitor.begin(SPANS.metadataQuery, identity, receivedAt, admittedAt);
    visitor.end();
    identity.stage(STAGE.route, STAGE.persist);
    visitor.begin(SPANS.clusterRoute, identity, receivedAt, admittedAt);
    visitor.text(ATTRIBUTES.mqttTopic, this.#source.text(u32[entry * 2 + ENTRY.topic]!));
    visitor.text(ATTRIBUTES.shardRoute, this.#source.text(u32[at * 2 + MESSAGES.shard]!));
    visitor.end();
  }
}

function entryAt(at: number, unit: number): number {
  return at + MESSAGES_HEADER_WORDS + unit * ENTRY_WORDS;
}
