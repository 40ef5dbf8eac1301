import { ATTRIBUTES, SPANS } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { CHOOSES_NONE, NO_THRESHOLD } from '../../sampling/probability.ts';
import { STAGE } from '../record-kinds.ts';
import { GROUP_WORDS, RUN, RUN_HEADER_WORDS, spansOfRunMessage } from '../run-recorder.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import type { TraceIds } from '../trace-ids.ts';
import type { BrokerIdentityTexts } from './common-attributes.ts';
import { showDropped } from './dropped.ts';
import { type Expansion, forgetTexts, likenessOf, type UnitFacts } from './expansion.ts';
import { ShownIdentity } from './identity.ts';
import { type RecordSource, slice } from './record-source.ts';

const QUEUE_FULL = slice('queue_full');

/** RUN records: QoS 0 messages with everything that was done for them. */
export class RunExpansion implements Expansion {
  readonly #source: RecordSource;
  readonly #ids: TraceIds;
  readonly #broker: BrokerIdentityTexts;
  readonly #identity = new ShownIdentity();
  readonly #words = new Uint32Array(6);

  constructor(source: RecordSource, ids: TraceIds, broker: BrokerIdentityTexts) {
    this.#source = source;
    this.#ids = ids;
    this.#broker = broker;
  }

  units({ u32 }: RecordBlock, at: number): number {
    return u32[at * 2 + 1]!;
  }

  spans(block: RecordBlock, at: number): number {
    return this.units(block, at) * this.unitSpans(block, at);
  }

  unitSpans({ u32 }: RecordBlock, at: number): number {
    return spansOfRunMessage(u32[at * 2 + RUN.pushed]!, u32[at * 2 + RUN.listed]!);
  }

  sharedSpans(): number {
    return 0;
  }

  showShared(): void {}

  trace({ f64 }: RecordBlock, at: number, unit: number, out: Uint32Array): void {
    this.#ids.write(f64[at + RUN.firstIdentity]! + unit, this.#words, 0);
    for (let index = 0; index < 4; index += 1) out[index] = this.#words[index]!;
  }

  heads({ u32, f64 }: RecordBlock, at: number, out: number[]): void {
    this.#ids.reaching(thresholdIn(u32, at), f64[at + RUN.firstIdentity]!, u32[at * 2 + 1]!, out);
  }

  /** Everything but the head's decision is the same for all units. */
  facts(block: RecordBlock, at: number, unit: number, facts: UnitFacts): void {
    const { u32, f64 } = block;
    const half = at * 2;
    facts.operation = 'publish';
    facts.head = this.#ids.decidingBitsOf(f64[at + RUN.firstIdentity]! + unit) >= thresholdIn(u32, at);
    facts.forced = false;
    facts.dropped = this.#hasDropped(block, at);
    facts.failed = facts.dropped;
    facts.redeliveries = 0;
    facts.startedAt = f64[at + RUN.receivedAt]!;
    facts.endedAt = f64[at + RUN.pushedAt]!;
    facts.client = u32[half + RUN.client]!;
    forgetTexts(facts);
    facts.topic = u32[this.#messageAt(block, at, unit)]!;
    facts.threshold = u32[half + RUN.threshold]!;
    facts.extra = 0;
    facts.awaitsEntry = false;
  }

  isAlike(block: RecordBlock, at: number, unit: number, otherAt: number, otherUnit: number): boolean {
    const { u32 } = block;
    const message = this.#messageAt(block, at, unit);
    const other = this.#messageAt(block, at, otherUnit);
    return at === otherAt && u32[message] === u32[other] && u32[message + 1] === u32[other + 1];
  }

  likeness(block: RecordBlock, at: number, unit: number): number {
    return likenessOf(block.u32[at * 2 + RUN.client]!, block.u32[this.#messageAt(block, at, unit)]!);
  }

  /** The number of its first identity is a run's own. */
  signature(block: RecordBlock, at: number, unit: number, out: Float64Array): number {
    const message = this.#messageAt(block, at, unit);
    out[0] = block.f64[at + RUN.firstIdentity]!;
    out[1] = block.u32[message]!;
    out[2] = block.u32[message + 1]!;
    return 3;
  }

  identity({ f64 }: RecordBlock, at: number, unit: number, out: Uint32Array): number {
    this.#ids.write(f64[at + RUN.firstIdentity]! + unit, out, 0);
    out[6] = 0;
    out[7] = 0;
    return 0;
  }

  show(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const half = at * 2;
    const receivedAt = f64[at + RUN.receivedAt]!;
    const admittedAt = f64[at + RUN.admittedAt]!;
    const pushedAt = f64[at + RUN.pushedAt]!;
    const client = this.#source.client(u32[half + RUN.client]!);
    const message = this.#messageAt(block, at, unit);
    const topic = this.#source.text(u32[message]!);
    const identity = this.#identity;
    this.#ids.write(f64[at + RUN.firstIdentity]! + unit, this.#words, 0);
    identity.take(this.#words, 0);
    identity.isEntry = true;

    visitor.begin(SPANS.mqttPublish, identity, receivedAt, pushedAt);
    visitor.text(ATTRIBUTES.mqttClientId, client.clientId);
    visitor.text(ATTRIBUTES.mqttTopic, topic);
    visitor.number(ATTRIBUTES.mqttQos, 0);
    visitor.number(ATTRIBUTES.mqttRetain, 0);
    visitor.number(ATTRIBUTES.mqttPayloadSize, u32[message + 1]!);
    visitor.text(ATTRIBUTES.networkPeerAddress, client.address);
    visitor.number(ATTRIBUTES.networkPeerPort, client.port);
    visitor.text(ATTRIBUTES.userName, client.user);
    visitor.text(ATTRIBUTES.robustmqCluster, this.#broker.cluster);
    visitor.text(ATTRIBUTES.robustmqBrokerId, this.#broker.brokerId);
    visitor.text(ATTRIBUTES.robustmqSessionId, client.sessionId);
    visitor.number(ATTRIBUTES.performanceConnectionCount, u32[half + RUN.connections]!);
    visitor.number(ATTRIBUTES.performanceQueueDepth, 0);
    visitor.number(ATTRIBUTES.performanceLatencyMs, pushedAt - receivedAt);
    visitor.number(ATTRIBUTES.performanceSuccess, 1);
    if (u32[half + 1]! > 1) visitor.number(ATTRIBUTES.stageMessages, u32[half + 1]!);
    visitor.end();

    identity.stage(STAGE.validate, STAGE.publish);
    visitor.begin(SPANS.authValidate, identity, receivedAt, admittedAt);
    visitor.text(ATTRIBUTES.authMethod, client.authMethod);
    visitor.number(ATTRIBUTES.authCached, 1);
    visitor.end();

    identity.stage(STAGE.authorize, STAGE.publish);
    visitor.begin(SPANS.topicAuthorize, identity, receivedAt, admittedAt);
    visitor.text(ATTRIBUTES.mqttTopic, topic);
    visitor.text(ATTRIBUTES.authRule, this.#source.text(u32[half + RUN.rule]!));
    visitor.number(ATTRIBUTES.authCached, 1);
    visitor.end();

    identity.stage(STAGE.match, STAGE.publish);
    visitor.begin(SPANS.subscriptionMatch, identity, receivedAt, admittedAt);
    visitor.number(ATTRIBUTES.subscriptionCount, u32[half + RUN.matched]!);
    visitor.end();
    this.#showPushes(block, at, visitor);
  }

  #showPushes({ u32, f64 }: RecordBlock, at: number, visitor: SpanVisitor): void {
    const half = at * 2;
    const identity = this.#identity;
    const admittedAt = f64[at + RUN.admittedAt]!;
    const pushedAt = f64[at + RUN.pushedAt]!;
    const listed = u32[half + RUN.listed]!;
    for (let index = 0; index < listed; index += 1) {
      const word = half + (RUN_HEADER_WORDS + index) * 2;
      const client = this.#source.client(u32[word]!);
      identity.stage(STAGE.firstPush + index, STAGE.publish);
      visitor.begin(SPANS.clientPush, identity, admittedAt, pushedAt);
      visitor.text(ATTRIBUTES.mqttClientId, client.clientId);
      visitor.text(ATTRIBUTES.robustmqSessionId, client.sessionId);
      if (u32[word + 1] === 1) {
        visitor.text(ATTRIBUTES.dropReason, QUEUE_FULL);
        showDropped(visitor);
      }
      visitor.end();
    }
    const rest = u32[half + RUN.pushed]! - listed;
    if (rest === 0) return;
    identity.stage(STAGE.restOfPushes, STAGE.publish);
    visitor.begin(SPANS.clientPushRest, identity, admittedAt, pushedAt);
    visitor.number(ATTRIBUTES.pushCount, rest);
    visitor.number(ATTRIBUTES.pushFailures, u32[half + RUN.restFailures]!);
    visitor.number(ATTRIBUTES.pushSlowestMs, pushedAt - admittedAt);
    if (u32[half + RUN.restFailures] !== 0) showDropped(visitor);
    visitor.end();
  }

  #hasDropped({ u32 }: RecordBlock, at: number): boolean {
    if (u32[at * 2 + RUN.restFailures]! > 0) return true;
    const listed = u32[at * 2 + RUN.listed]!;
    for (let index = 0; index < listed; index += 1) if (u32[(at + RUN_HEADER_WORDS + index) * 2 + 1] === 1) return true;
    return false;
  }

  /** Where its topic stands, and behind that its payload bytes. */
  #messageAt({ u32 }: RecordBlock, at: number, unit: number): number {
    const first = (at + RUN_HEADER_WORDS + u32[at * 2 + RUN.listed]!) * 2;
    const groups = u32[at * 2 + RUN.groups]!;
    if (groups === 0) return first + unit * 2;
    // The last group that begins with it or before it.
    let low = 0;
    for (let high = groups; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (u32[first + middle * GROUP_WORDS * 2 + 2]! <= unit) low = middle;
      else high = middle;
    }
    return first + low * GROUP_WORDS * 2;
  }
}

/** One that no deciding bits reach where the head chose none. */
function thresholdIn(u32: Uint32Array, at: number): number {
  const threshold = u32[at * 2 + RUN.threshold]!;
  return threshold === NO_THRESHOLD ? CHOOSES_NONE : threshold;
}
