import { ATTRIBUTES, SPANS } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { NO_THRESHOLD } from '../../sampling/probability.ts';
import { isRefusal, PUSH, PUSH_FLAG, PUSH_QOS_SHIFT, PUSH_REASON_SHIFT, spansOfPush } from '../push-record.ts';
import { STAGE } from '../record-kinds.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { showDropped } from './dropped.ts';
import { showExtras } from './entries.ts';
import { type Expansion, forgetTexts, likenessOf, type UnitFacts } from './expansion.ts';
import { ShownIdentity } from './identity.ts';
import { type ClientFacts, type RecordSource, slice } from './record-source.ts';

const QUEUE_FULL = slice('queue_full');
const TOO_LARGE = slice('too_large');
const DISCONNECTED = slice('disconnected');
const DISCONNECTED_MESSAGE = slice('the connection ended before the message was acknowledged');
const REFUSED_MESSAGE = slice('the subscriber refused the message');
const IS_DROPPED = PUSH_FLAG.droppedQueueFull | PUSH_FLAG.droppedTooLarge;

/** PUSH records: a delivery to one subscriber, with its confirmation. */
export class PushExpansion implements Expansion {
  readonly #source: RecordSource;
  readonly #identity = new ShownIdentity();
  readonly #refusals = Array.from({ length: 256 }, (_, code) => slice(`mqtt_0x${code.toString(16)}`));

  constructor(source: RecordSource) {
    this.#source = source;
  }

  units(): number {
    return 1;
  }

  spans(block: RecordBlock, at: number): number {
    return this.unitSpans(block, at);
  }

  unitSpans({ u32, f64 }: RecordBlock, at: number): number {
    return spansOfPush(u32[at * 2 + PUSH.flags]!, receivedAtIn(u32, f64, at));
  }

  sharedSpans(): number {
    return 0;
  }

  showShared(): void {}

  trace({ u32 }: RecordBlock, at: number, _unit: number, out: Uint32Array): void {
    for (let index = 0; index < 4; index += 1) out[index] = u32[at * 2 + PUSH.trace + index]!;
  }

  facts({ u32, f64 }: RecordBlock, at: number, _unit: number, facts: UnitFacts): void {
    const half = at * 2;
    const flags = u32[half + PUSH.flags]!;
    facts.operation = 'push';
    facts.head = (flags & PUSH_FLAG.head) !== 0;
    facts.forced = (flags & PUSH_FLAG.forced) !== 0;
    const hasMore = (flags & PUSH_FLAG.more) !== 0;
    facts.dropped = (flags & IS_DROPPED) !== 0 || (hasMore && u32[half + PUSH.failures] !== 0);
    facts.failed = facts.dropped || (flags & PUSH_FLAG.disconnected) !== 0 || isRefusal(flags >>> PUSH_REASON_SHIFT);
    facts.redeliveries = (flags & PUSH_FLAG.redelivered) === 0 ? 0 : 1;
    facts.startedAt = f64[at + PUSH.begunAt]!;
    facts.endedAt = Math.max(f64[at + PUSH.pushedAt]!, f64[at + PUSH.confirmedAt]!);
    facts.client = u32[half + PUSH.client]!;
    forgetTexts(facts);
    facts.topic = hasMore ? u32[half + PUSH.topic]! : 0;
    facts.threshold = (flags & PUSH_FLAG.linked) === 0 ? NO_THRESHOLD : u32[half + PUSH.threshold]!;
    facts.extra = 0;
    // Written with the stage, at times before the message's own record; what was waited for comes long after it.
    facts.awaitsEntry = facts.head && (flags & (PUSH_FLAG.linked | PUSH_FLAG.late | PUSH_FLAG.sent)) === 0;
  }

  isAlike({ u32, f64 }: RecordBlock, at: number, _unit: number, otherAt: number): boolean {
    const a = at * 2;
    const b = otherAt * 2;
    return (
      u32[a + PUSH.flags] === u32[b + PUSH.flags] &&
      (u32[a + PUSH.flags]! & PUSH_FLAG.more) === 0 &&
      u32[a + PUSH.client] === u32[b + PUSH.client] &&
      f64[at + PUSH.begunAt] === f64[otherAt + PUSH.begunAt] &&
      f64[at + PUSH.pushedAt] === f64[otherAt + PUSH.pushedAt] &&
      f64[at + PUSH.confirmedAt] === f64[otherAt + PUSH.confirmedAt]
    );
  }

  likeness({ u32 }: RecordBlock, at: number): number {
    return likenessOf(u32[at * 2 + PUSH.client]!, u32[at * 2 + PUSH.flags]!);
  }

  signature({ u32, f64 }: RecordBlock, at: number, _unit: number, out: Float64Array): number {
    const half = at * 2;
    out[0] = u32[half + PUSH.flags]!;
    out[1] = u32[half + PUSH.client]!;
    out[2] = f64[at + PUSH.begunAt]!;
    out[3] = f64[at + PUSH.pushedAt]!;
    out[4] = f64[at + PUSH.confirmedAt]!;
    if ((u32[half + PUSH.flags]! & PUSH_FLAG.more) === 0) return 5;
    if (u32[half + PUSH.extra] !== 0) return 0;
    out[5] = u32[half + PUSH.topic]!;
    out[6] = u32[half + PUSH.count]!;
    out[7] = u32[half + PUSH.failures]!;
    out[8] = f64[at + PUSH.receivedAt]!;
    out[9] = f64[at + PUSH.waitedMs]!;
    return 10;
  }

  identity({ u32 }: RecordBlock, at: number, _unit: number, out: Uint32Array): number {
    const half = at * 2 + PUSH.trace;
    for (let word = 0; word < 8; word += 1) out[word] = u32[half + word]!;
    return u32[at * 2 + PUSH.packetId]!;
  }

  show(block: RecordBlock, at: number, _unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const half = at * 2;
    const flags = u32[half + PUSH.flags]!;
    const identity = this.#identity;
    identity.take(u32, half + PUSH.trace);
    identity.words[6] = u32[half + PUSH.parent]!;
    identity.words[7] = u32[half + PUSH.parent + 1]!;
    identity.isParentRemote = (flags & PUSH_FLAG.late) !== 0;
    identity.isEntry = (flags & PUSH_FLAG.linked) !== 0;
    if ((flags & PUSH_FLAG.rest) !== 0) {
      this.#showRest(block, at, visitor);
      return;
    }
    const client = this.#source.client(u32[half + PUSH.client]!);
    visitor.begin(SPANS.clientPush, identity, f64[at + PUSH.begunAt]!, f64[at + PUSH.pushedAt]!);
    visitor.text(ATTRIBUTES.mqttClientId, client.clientId);
    const hasMore = (flags & PUSH_FLAG.more) !== 0;
    if (hasMore && u32[half + PUSH.topic] !== 0)
      visitor.text(ATTRIBUTES.mqttTopic, this.#source.text(u32[half + PUSH.topic]!));
    visitor.text(ATTRIBUTES.robustmqSessionId, client.sessionId);
    if ((flags & PUSH_FLAG.late) !== 0) visitor.number(ATTRIBUTES.waitedMs, f64[at + PUSH.waitedMs]!);
    if ((flags & PUSH_FLAG.redelivered) !== 0) visitor.number(ATTRIBUTES.redelivered, 1);
    if ((flags & IS_DROPPED) !== 0) {
      visitor.text(ATTRIBUTES.dropReason, (flags & PUSH_FLAG.droppedQueueFull) !== 0 ? QUEUE_FULL : TOO_LARGE);
      showDropped(visitor);
    }
    if (hasMore) showExtras(this.#source, u32[half + PUSH.extra]!, visitor);
    visitor.end();
    if ((flags & PUSH_FLAG.sent) !== 0) this.#showConfirm(block, at, flags, client, visitor);
  }

  #showConfirm(block: RecordBlock, at: number, flags: number, client: ClientFacts, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const identity = this.#identity;
    const qos = (flags >>> PUSH_QOS_SHIFT) & 3;
    const reasonCode = flags >>> PUSH_REASON_SHIFT;
    const confirmedAt = f64[at + PUSH.confirmedAt]!;
    const isConfirmed = (flags & PUSH_FLAG.confirmed) !== 0;
    identity.isEntry = false;
    identity.stage(STAGE.confirm, STAGE.push);
    visitor.begin(SPANS.deliveryConfirm, identity, f64[at + PUSH.pushedAt]!, confirmedAt);
    visitor.text(ATTRIBUTES.mqttClientId, client.clientId);
    visitor.number(ATTRIBUTES.mqttQos, qos);
    if (isConfirmed) visitor.number(ATTRIBUTES.mqttReasonCode, reasonCode);
    if (isRefusal(reasonCode)) {
      visitor.text(ATTRIBUTES.errorType, this.#refusals[reasonCode]!);
      visitor.text(ATTRIBUTES.errorMessage, REFUSED_MESSAGE);
      visitor.fail(REFUSED_MESSAGE);
    } else if ((flags & PUSH_FLAG.disconnected) !== 0) {
      visitor.text(ATTRIBUTES.errorType, DISCONNECTED);
      visitor.text(ATTRIBUTES.errorMessage, DISCONNECTED_MESSAGE);
      visitor.fail(DISCONNECTED_MESSAGE);
    }
    visitor.end();
    const receivedAt = receivedAtIn(u32, f64, at);
    if (receivedAt > 0) this.#showAck(block, at, STAGE.received, receivedAt, visitor);
    if (isConfirmed) this.#showAck(block, at, STAGE.ack, confirmedAt, visitor);
  }

  #showAck({ u32, f64 }: RecordBlock, at: number, stage: 3 | 4, receivedAt: number, visitor: SpanVisitor): void {
    const flags = u32[at * 2 + PUSH.flags]!;
    const isExactlyOnce = ((flags >>> PUSH_QOS_SHIFT) & 3) === 2;
    // A PUBREC that refuses ends the delivery; whoever has sent one before refuses by PUBCOMP.
    const isRefused = receivedAtIn(u32, f64, at) === 0 && isRefusal(flags >>> PUSH_REASON_SHIFT);
    const last = isExactlyOnce && !isRefused ? SPANS.mqttPubcomp : isExactlyOnce ? SPANS.mqttPubrec : SPANS.mqttPuback;
    this.#identity.stage(stage, STAGE.confirm);
    visitor.begin(stage === STAGE.received ? SPANS.mqttPubrec : last, this.#identity, receivedAt, receivedAt);
    visitor.number(ATTRIBUTES.mqttPacketId, u32[at * 2 + PUSH.packetId]!);
    visitor.end();
  }

  #showRest({ u32, f64 }: RecordBlock, at: number, visitor: SpanVisitor): void {
    const half = at * 2;
    const begunAt = f64[at + PUSH.begunAt]!;
    const pushedAt = f64[at + PUSH.pushedAt]!;
    visitor.begin(SPANS.clientPushRest, this.#identity, begunAt, pushedAt);
    visitor.number(ATTRIBUTES.pushCount, u32[half + PUSH.count]!);
    visitor.number(ATTRIBUTES.pushFailures, u32[half + PUSH.failures]!);
    visitor.number(ATTRIBUTES.pushSlowestMs, pushedAt - begunAt);
    if (u32[half + PUSH.failures] !== 0) showDropped(visitor);
    visitor.end();
  }
}

/** When PUBREC came; 0: it has not. */
function receivedAtIn(u32: Uint32Array, f64: Float64Array, at: number): number {
  return (u32[at * 2 + PUSH.flags]! & PUSH_FLAG.more) === 0 ? 0 : f64[at + PUSH.receivedAt]!;
}
