import { ATTRIBUTES, type AttributeDefinition, METRICS, SPANS, type SpanDefinition } from '../catalogue.ts';
import type { ThrownError } from '../finished-span.ts';
import { counterId, type Metrics } from '../metrics.ts';
import type { AttributeValue, Recorder, SpanHandle } from '../recorder.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import { NO_THRESHOLD } from '../sampling/probability.ts';
import { packetOfSpan } from '../sampling/trace-facts.ts';
import type { TraceHead, TraceOrigin } from '../sampling/trace-head.ts';
import { boundedValue, MAX_ATTRIBUTES, MAX_LINKS, thrownError } from '../span-limits.ts';
import {
  CONTEXT_BYTES,
  FLAGS_AT,
  FORCED_FLAG,
  hasTrace,
  isForced,
  isSampled,
  SAMPLED_FLAG,
  SPAN_ID_AT,
  SPAN_ID_BYTES,
  TRACE_ID_BYTES,
} from '../trace-context.ts';
import { decidingBits } from './deciding-bits.ts';
import { ExtraEntries } from './extra-entries.ts';
import { SlotPool, slotOf } from './slot-pool.ts';
import { SPAN_FLAG, writeSpan } from './span-record.ts';
import type { TextTable } from './text-table.ts';
import type { TraceIds } from './trace-ids.ts';

const tracesTotal = counterId(METRICS.tracesTotal);
const traceErrorsTotal = counterId(METRICS.traceErrorsTotal);
const droppedPoolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const droppedParentEnded = counterId(METRICS.spansDroppedTotal, 'parent_ended');

/** A slot of the pool. Its context, and its parent's, lie in the recorder's arrays. */
interface OpenSpan {
  /** 0 while the slot is free. */
  handle: SpanHandle;
  definition: SpanDefinition | null;
  flags: number;
  /** By which the head chose the trace, or NO_THRESHOLD. */
  threshold: number;
  startedAt: number;
  readonly attributes: AttributeDefinition[];
  readonly values: AttributeValue[];
  droppedAttributes: number;
  readonly links: Uint8Array[];
  droppedLinks: number;
  failure: string | null;
  thrown: ThrownError | null;
}

/**
 * Any span that is not one of a message's own (those have records of their own kinds): kept in a preallocated pool while
 * it is open, and written into the ring when it ends.
 */
export class SpanRecorder implements Recorder {
  readonly #writer: RingWriter;
  readonly #ids: TraceIds;
  readonly #head: TraceHead;
  readonly #metrics: Metrics;
  readonly #entries: ExtraEntries;
  readonly #slots: OpenSpan[];
  readonly #contexts: Uint8Array;
  readonly #parents: Uint8Array;
  readonly #identity = new Uint32Array(6);
  readonly #identityBytes = new Uint8Array(this.#identity.buffer);
  /** Which slots are taken. It hands out few of them, so that these stay in the cache: all of the pool do not fit. */
  readonly #pool: SlotPool;

  constructor(parts: {
    writer: RingWriter;
    ids: TraceIds;
    texts: TextTable;
    head: TraceHead;
    metrics: Metrics;
    /** Spans that may be open at once, at most 65,536. Beyond it spans are not recorded, and counted. */
    maxOpenSpans: number;
  }) {
    const capacity = parts.maxOpenSpans;
    this.#writer = parts.writer;
    this.#ids = parts.ids;
    this.#head = parts.head;
    this.#metrics = parts.metrics;
    this.#entries = new ExtraEntries(parts.texts);
    this.#slots = Array.from({ length: capacity }, emptySlot);
    this.#contexts = new Uint8Array(capacity * CONTEXT_BYTES);
    this.#parents = new Uint8Array(capacity * SPAN_ID_BYTES);
    this.#pool = new SlotPool(capacity);
  }

  get openSpans(): number {
    return this.#pool.open;
  }

  root(definition: SpanDefinition, at: number, origin?: TraceOrigin): SpanHandle {
    const span = this.#start(definition, SPAN_FLAG.entry, at);
    if (span === undefined) return 0;
    const context = contextAt(span);
    copyBytes(this.#identityBytes, 0, TRACE_ID_BYTES, this.#contexts, context);
    const { sampler } = this.#head;
    const threshold = this.#head.thresholdFor(packetOfSpan(definition.name), origin);
    if (sampler.chooses(decidingBits(this.#identity, 0), threshold)) {
      this.#choose(span, SPAN_FLAG.head);
      span.threshold = sampler.effectiveThreshold(threshold);
    }
    this.#metrics.add(tracesTotal);
    return span.handle;
  }

  continued(definition: SpanDefinition, parent: Uint8Array, parentOffset: number, at: number): SpanHandle {
    if (!hasTrace(parent, parentOffset)) return 0;
    // Only a request continues a caller's trace; anything else continues one that this program has already counted, and
    // so does a PUBREL, which goes on with its PUBLISH.
    const isEntry = definition.kind === 'server' && definition !== SPANS.mqttPubrel;
    const span = this.#start(definition, SPAN_FLAG.remoteParent | (isEntry ? SPAN_FLAG.entry : 0), at);
    if (span === undefined) return 0;
    this.#below(span, parent, parentOffset);
    this.#choose(span, isEntry ? this.#flagsForCaller(parent, parentOffset, at) : flagsOf(parent, parentOffset));
    if (isEntry) this.#metrics.add(tracesTotal);
    return span.handle;
  }

  linked(definition: SpanDefinition, context: Uint8Array, contextOffset: number, at: number): SpanHandle {
    const handle = this.root(definition, at);
    this.link(handle, context, contextOffset);
    return handle;
  }

  child(definition: SpanDefinition, parent: SpanHandle, at: number): SpanHandle {
    if (parent === 0) return 0;
    const above = this.#find(parent);
    if (above === undefined) {
      this.#metrics.add(droppedParentEnded);
      return 0;
    }
    const span = this.#start(definition, above.flags & (SPAN_FLAG.head | SPAN_FLAG.forced), at);
    if (span === undefined) return 0;
    const from = contextAt(above);
    span.threshold = above.threshold;
    this.#below(span, this.#contexts, from);
    this.#contexts[contextAt(span) + FLAGS_AT] = this.#contexts[from + FLAGS_AT]!;
    return span.handle;
  }

  attribute(handle: SpanHandle, definition: AttributeDefinition, value: AttributeValue): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    const index = span.attributes.indexOf(definition);
    if (index >= 0) span.values[index] = boundedValue(value);
    else if (span.attributes.length < MAX_ATTRIBUTES) {
      span.attributes.push(definition);
      span.values.push(boundedValue(value));
    } else span.droppedAttributes += 1;
  }

  link(handle: SpanHandle, context: Uint8Array, contextOffset: number): void {
    const span = this.#find(handle);
    if (span === undefined || !hasTrace(context, contextOffset)) return;
    if (span.links.length >= MAX_LINKS) span.droppedLinks += 1;
    else span.links.push(context.slice(contextOffset, contextOffset + CONTEXT_BYTES));
  }

  fail(handle: SpanHandle, errorType: string, message: string, error?: unknown): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    this.attribute(handle, ATTRIBUTES.errorType, errorType);
    this.attribute(handle, ATTRIBUTES.errorMessage, message);
    span.flags |= SPAN_FLAG.failed;
    span.failure = message;
    span.thrown = error === undefined ? null : thrownError(error);
  }

  end(handle: SpanHandle, at: number): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    const slot = slotOf(span.handle);
    const { definition, flags, startedAt } = span;
    this.#gather(span);
    writeSpan(
      this.#writer,
      definition!,
      flags,
      this.#contexts,
      contextAt(span),
      this.#parents,
      slot * SPAN_ID_BYTES,
      startedAt,
      at,
      span.threshold,
      this.#entries,
    );
    if ((flags & SPAN_FLAG.entry) !== 0 && span.failure !== null) this.#metrics.add(traceErrorsTotal);
    this.#release(span);
  }

  context(handle: SpanHandle, out: Uint8Array, outOffset: number): void {
    const span = this.#find(handle);
    if (span === undefined) {
      out.fill(0, outOffset, outOffset + CONTEXT_BYTES);
      return;
    }
    const from = contextAt(span);
    copyBytes(this.#contexts, from, CONTEXT_BYTES, out, outOffset);
  }

  #find(handle: SpanHandle): OpenSpan | undefined {
    if (handle === 0) return undefined;
    const span = this.#slots[slotOf(handle)];
    return span !== undefined && span.handle === handle ? span : undefined;
  }

  #gather(span: OpenSpan): void {
    const entries = this.#entries;
    entries.reset();
    for (let index = 0; index < span.attributes.length; index += 1)
      entries.attribute(span.attributes[index]!, span.values[index]!);
    for (const link of span.links) entries.link(link, 0);
    if (span.droppedAttributes + span.droppedLinks > 0) entries.dropped(span.droppedAttributes, span.droppedLinks);
    if (span.failure !== null) entries.failure(span.failure);
    if (span.thrown !== null) entries.exception(span.thrown);
  }

  /** Takes a slot and gives it a span id; the trace id is the caller's to write. */
  #start(definition: SpanDefinition, flags: number, at: number): OpenSpan | undefined {
    if (this.#pool.isFull) {
      this.#metrics.add(droppedPoolFull);
      return undefined;
    }
    const handle = this.#pool.take();
    const slot = slotOf(handle);
    const span = this.#slots[slot]!;
    span.handle = handle;
    span.definition = definition;
    span.flags = flags;
    span.threshold = NO_THRESHOLD;
    span.startedAt = at;
    this.#ids.take(this.#identity, 0);
    const context = contextAt(span);
    copyBytes(this.#identityBytes, SPAN_ID_AT, SPAN_ID_BYTES, this.#contexts, context + SPAN_ID_AT);
    this.#contexts[context + FLAGS_AT] = 0;
    // A loop: `fill` costs more for so few bytes.
    const parent = slot * SPAN_ID_BYTES;
    for (let byte = 0; byte < SPAN_ID_BYTES; byte += 1) this.#parents[parent + byte] = 0;
    return span;
  }

  #flagsForCaller(parent: Uint8Array, offset: number, at: number): number {
    copyBytes(parent, offset, TRACE_ID_BYTES, this.#identityBytes, 0);
    const { sampler, threshold } = this.#head;
    const bits = decidingBits(this.#identity, 0);
    const decision = sampler.choosesContinued(isSampled(parent, offset), bits, threshold, undefined, at);
    if (decision === 'none') return 0;
    return decision === 'rate' ? SPAN_FLAG.head : SPAN_FLAG.head | SPAN_FLAG.forced;
  }

  #choose(span: OpenSpan, flags: number): void {
    span.flags |= flags;
    const isHead = (flags & SPAN_FLAG.head) !== 0;
    const isForcedByCaller = (flags & SPAN_FLAG.forced) !== 0;
    this.#contexts[contextAt(span) + FLAGS_AT] = (isHead ? SAMPLED_FLAG : 0) | (isForcedByCaller ? FORCED_FLAG : 0);
  }

  #below(span: OpenSpan, parent: Uint8Array, offset: number): void {
    const context = contextAt(span);
    const slot = slotOf(span.handle);
    copyBytes(parent, offset, TRACE_ID_BYTES, this.#contexts, context);
    copyBytes(parent, offset + SPAN_ID_AT, SPAN_ID_BYTES, this.#parents, slot * SPAN_ID_BYTES);
  }

  #release(span: OpenSpan): void {
    const slot = slotOf(span.handle);
    span.handle = 0;
    span.definition = null;
    // Popped: an array whose length is set to 0 gives its memory back, and takes some again with the next span.
    while (span.attributes.length > 0) {
      span.attributes.pop();
      span.values.pop();
    }
    span.droppedAttributes = 0;
    span.links.length = 0;
    span.droppedLinks = 0;
    span.failure = null;
    span.thrown = null;
    this.#pool.release(slot);
  }
}

/** A few bytes: a view for `set` costs more. */
function copyBytes(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  for (let index = 0; index < length; index += 1) to[at + index] = from[start + index]!;
}

/** The decision that a context of this broker's own tells. */
function flagsOf(context: Uint8Array, offset: number): number {
  if (!isSampled(context, offset)) return 0;
  return isForced(context, offset) ? SPAN_FLAG.head | SPAN_FLAG.forced : SPAN_FLAG.head;
}

function contextAt(span: OpenSpan): number {
  return slotOf(span.handle) * CONTEXT_BYTES;
}

function emptySlot(): OpenSpan {
  return {
    handle: 0,
    definition: null,
    flags: 0,
    threshold: NO_THRESHOLD,
    startedAt: 0,
    attributes: [],
    values: [],
    droppedAttributes: 0,
    links: [],
    droppedLinks: 0,
    failure: null,
    thrown: null,
  };
}
