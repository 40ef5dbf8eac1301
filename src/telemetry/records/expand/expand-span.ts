import { ATTRIBUTES, SPANS, type SpanDefinition } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { SPAN, SPAN_FLAG, SPAN_HEADER_WORDS } from '../span-record.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { eachText, showEntries } from './entries.ts';
import { type Expansion, forgetTexts, likenessOf, type UnitFacts } from './expansion.ts';
import { ShownIdentity } from './identity.ts';
import type { RecordSource } from './record-source.ts';

const definitions: SpanDefinition[] = [];
for (const definition of Object.values(SPANS)) definitions[definition.id] = definition;

/** Spans below that of a message. */
const ofMessages: ReadonlySet<number> = new Set([SPANS.clientPush.id, SPANS.messageRetain.id]);

/** SPAN records: one span each. */
export class SpanExpansion implements Expansion {
  readonly #source: RecordSource;
  readonly #identity = new ShownIdentity();

  constructor(source: RecordSource) {
    this.#source = source;
  }

  units(): number {
    return 1;
  }

  spans(): number {
    return 1;
  }

  unitSpans(): number {
    return 1;
  }

  sharedSpans(): number {
    return 0;
  }

  showShared(): void {}

  trace({ u32 }: RecordBlock, at: number, _unit: number, out: Uint32Array): void {
    for (let index = 0; index < 4; index += 1) out[index] = u32[at * 2 + SPAN.trace + index]!;
  }

  facts(block: RecordBlock, at: number, _unit: number, facts: UnitFacts): void {
    const { u32, f64 } = block;
    const flags = u32[at * 2 + 1]! >>> 16;
    facts.operation = definitions[u32[at * 2 + 1]! & 0xffff]!.name;
    facts.head = (flags & SPAN_FLAG.head) !== 0;
    facts.forced = (flags & SPAN_FLAG.forced) !== 0;
    facts.failed = (flags & SPAN_FLAG.failed) !== 0;
    facts.dropped = false;
    facts.redeliveries = 0;
    facts.startedAt = f64[at + SPAN.begunAt]!;
    facts.endedAt = f64[at + SPAN.endedAt]!;
    facts.client = 0;
    facts.topic = 0;
    forgetTexts(facts);
    eachText(block, at + SPAN_HEADER_WORDS, u32[at * 2 + SPAN.entries]!, (attribute, reference) => {
      if (attribute === ATTRIBUTES.mqttTopic) facts.topic = reference;
      else if (attribute === ATTRIBUTES.mqttClientId) facts.clientId = reference;
      else if (attribute === ATTRIBUTES.networkPeerAddress) facts.address = reference;
      else if (attribute === ATTRIBUTES.userName) facts.user = reference;
      else if (attribute === ATTRIBUTES.dropReason) facts.dropped = true;
    });
    facts.threshold = u32[at * 2 + SPAN.threshold]!;
    facts.extra = 0;
    // Told of a message while it is dispatched, before its own record is written. What comes late has a topic.
    facts.awaitsEntry = facts.head && facts.topic === 0 && ofMessages.has(u32[at * 2 + 1]! & 0xffff);
  }

  /** A span says of itself what no other says. */
  isAlike(): boolean {
    return false;
  }

  likeness({ u32 }: RecordBlock, at: number): number {
    return likenessOf(u32[at * 2 + 1]!, u32[at * 2 + SPAN.entries]!);
  }

  signature(): number {
    return 0;
  }

  identity({ u32 }: RecordBlock, at: number, _unit: number, out: Uint32Array): number {
    for (let word = 0; word < 6; word += 1) out[word] = u32[at * 2 + SPAN.trace + word]!;
    out[6] = u32[at * 2 + SPAN.parent]!;
    out[7] = u32[at * 2 + SPAN.parent + 1]!;
    return 0;
  }

  show(block: RecordBlock, at: number, _unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const identity = this.#identity;
    const flags = u32[at * 2 + 1]! >>> 16;
    identity.take(u32, at * 2 + SPAN.trace);
    identity.words[6] = u32[at * 2 + SPAN.parent]!;
    identity.words[7] = u32[at * 2 + SPAN.parent + 1]!;
    identity.isParentRemote = (flags & SPAN_FLAG.remoteParent) !== 0;
    identity.isEntry = (flags & SPAN_FLAG.entry) !== 0;
    const definition = definitions[u32[at * 2 + 1]! & 0xffff]!;
    visitor.begin(definition, identity, f64[at + SPAN.begunAt]!, f64[at + SPAN.endedAt]!);
    showEntries(this.#source, block, at + SPAN_HEADER_WORDS, u32[at * 2 + SPAN.entries]!, visitor);
    visitor.end();
  }
}
