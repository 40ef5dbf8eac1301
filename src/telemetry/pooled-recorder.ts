import { assert } from '../base/errors.ts';
import { ATTRIBUTES, type AttributeDefinition, METRICS, SPANS, type SpanDefinition } from './catalogue.ts';
import type { SpanAttribute, SpanFailure, SpanLink, SpanParent, SpanSink } from './finished-span.ts';
import { counterId, type Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import type { AttributeValue, Recorder, SpanHandle } from './recorder.ts';
import { choosesContinued, choosesTrace, type HeadSampler, SAMPLING_BITS_AT } from './sampler.ts';
import { boundedValue, MAX_ATTRIBUTES, MAX_LINKS, thrownError } from './span-limits.ts';
import {
  CONTEXT_BYTES,
  FLAGS_AT,
  hasTrace,
  isSampled,
  SAMPLED_FLAG,
  SPAN_ID_AT,
  SPAN_ID_BYTES,
  spanIdOf,
  TRACE_ID_BYTES,
  traceIdOf,
} from './trace-context.ts';

/*
 * A handle is generation << 16 | slot: a small integer. A slot's generation grows with every use, so that a handle kept
 * too long never means the slot's next span, and slots are reused in the order they were freed, so that a generation
 * comes round again only after 32767 times the whole pool.
 */
const SLOT_BITS = 16;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const LAST_GENERATION = 0x7fff;
const MAX_POOL_SPANS = 1 << SLOT_BITS;

const NO_PARENT: SpanParent = { type: 'none' };
const tracesTotal = counterId(METRICS.tracesTotal);
const traceErrorsTotal = counterId(METRICS.traceErrorsTotal);
const droppedPoolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const droppedParentEnded = counterId(METRICS.spansDroppedTotal, 'parent_ended');

/** A slot of the pool. Its context lies in the recorder's context array. */
interface OpenSpan {
  /** 0 while the slot is free. */
  handle: SpanHandle;
  generation: number;
  definition: SpanDefinition | null;
  parent: SpanParent;
  isEntry: boolean;
  startedAt: number;
  attributes: SpanAttribute[];
  droppedAttributes: number;
  links: SpanLink[];
  droppedLinks: number;
  failure: SpanFailure | null;
}

export interface PooledRecorderOptions {
  readonly sampler: HeadSampler;
  /** Spans that may be open at once, at most 65,536. Beyond it spans are not recorded, and counted. */
  readonly maxOpenSpans: number;
}

/** Records sampled spans in a preallocated pool and hands each to the sink when it ends. */
export class PooledRecorder implements Recorder {
  readonly #sampler: HeadSampler;
  readonly #random: Random;
  readonly #metrics: Metrics;
  readonly #sink: SpanSink;
  readonly #slots: OpenSpan[];
  readonly #contexts: Uint8Array;
  /** Ring of free slots. */
  readonly #free: Uint16Array;
  #freeHead = 0;
  #freeCount: number;

  constructor(options: PooledRecorderOptions, random: Random, metrics: Metrics, sink: SpanSink) {
    const capacity = options.maxOpenSpans;
    assert(capacity >= 1 && capacity <= MAX_POOL_SPANS, `the span pool holds 1 to ${MAX_POOL_SPANS} spans`);
    this.#sampler = options.sampler;
    this.#random = random;
    this.#metrics = metrics;
    this.#sink = sink;
    this.#slots = Array.from({ length: capacity }, emptySlot);
    this.#contexts = new Uint8Array(capacity * CONTEXT_BYTES);
    this.#free = Uint16Array.from({ length: capacity }, (_, slot) => slot);
    this.#freeCount = capacity;
    metrics.gauge(METRICS.openSpans, () => this.openSpans);
  }

  get openSpans(): number {
    return this.#slots.length - this.#freeCount;
  }

  root(definition: SpanDefinition, at: number): SpanHandle {
    const bits = this.#random.next();
    return choosesTrace(this.#sampler, bits) ? this.#begin(definition, bits, at) : 0;
  }

  continued(definition: SpanDefinition, parent: Uint8Array, parentOffset: number, at: number): SpanHandle {
    if (!choosesContinued(this.#sampler, parent, parentOffset)) return 0;
    // Only a request continues a caller's trace; anything else continues one that this program has already counted, and
    // so does a PUBREL, which goes on with its PUBLISH.
    const isEntry = definition.kind === 'server' && definition !== SPANS.mqttPubrel;
    const span = this.#start(definition, { type: 'remote', spanId: spanIdOf(parent, parentOffset) }, isEntry, at);
    if (span === undefined) return 0;
    const context = contextAt(span);
    for (let index = 0; index < TRACE_ID_BYTES; index += 1)
      this.#contexts[context + index] = parent[parentOffset + index]!;
    return span.handle;
  }

  linked(definition: SpanDefinition, context: Uint8Array, contextOffset: number, at: number): SpanHandle {
    if (!choosesContinued(this.#sampler, context, contextOffset)) return 0;
    const handle = this.#begin(definition, this.#random.next(), at);
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
    const from = contextAt(above);
    const span = this.#start(definition, { type: 'local', spanId: spanIdOf(this.#contexts, from) }, false, at);
    if (span === undefined) return 0;
    this.#contexts.copyWithin(contextAt(span), from, from + TRACE_ID_BYTES);
    return span.handle;
  }

  attribute(handle: SpanHandle, definition: AttributeDefinition, value: AttributeValue): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    const set = span.attributes.find((attribute) => attribute.definition === definition);
    if (set !== undefined) set.value = boundedValue(value);
    else if (span.attributes.length < MAX_ATTRIBUTES) span.attributes.push({ definition, value: boundedValue(value) });
    else span.droppedAttributes += 1;
  }

  link(handle: SpanHandle, context: Uint8Array, contextOffset: number): void {
    const span = this.#find(handle);
    if (span === undefined || !hasTrace(context, contextOffset)) return;
    if (span.links.length >= MAX_LINKS) {
      span.droppedLinks += 1;
      return;
    }
    span.links.push({
      traceId: traceIdOf(context, contextOffset),
      spanId: spanIdOf(context, contextOffset),
      sampled: isSampled(context, contextOffset),
    });
  }

  fail(handle: SpanHandle, errorType: string, message: string, error?: unknown): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    this.attribute(handle, ATTRIBUTES.errorType, errorType);
    this.attribute(handle, ATTRIBUTES.errorMessage, message);
    span.failure = { message, thrown: error === undefined ? null : thrownError(error) };
  }

  end(handle: SpanHandle, at: number): void {
    const span = this.#find(handle);
    if (span === undefined) return;
    const context = contextAt(span);
    const finished = {
      definition: span.definition!,
      traceId: traceIdOf(this.#contexts, context),
      spanId: spanIdOf(this.#contexts, context),
      parent: span.parent,
      isEntry: span.isEntry,
      startedAt: span.startedAt,
      endedAt: Math.max(at, span.startedAt),
      attributes: span.attributes,
      droppedAttributes: span.droppedAttributes,
      links: span.links,
      droppedLinks: span.droppedLinks,
      failure: span.failure,
    };
    this.#release(span);
    if (finished.isEntry && finished.failure !== null) this.#metrics.add(traceErrorsTotal);
    this.#sink(finished);
  }

  context(handle: SpanHandle, out: Uint8Array, outOffset: number): void {
    const span = this.#find(handle);
    if (span === undefined) {
      out.fill(0, outOffset, outOffset + CONTEXT_BYTES);
      return;
    }
    const from = contextAt(span);
    for (let index = 0; index < CONTEXT_BYTES; index += 1) out[outOffset + index] = this.#contexts[from + index]!;
  }

  #find(handle: SpanHandle): OpenSpan | undefined {
    if (handle === 0) return undefined;
    const span = this.#slots[handle & SLOT_MASK];
    return span !== undefined && span.handle === handle ? span : undefined;
  }

  /** Begins a trace of whose id `bits` are the ones that sampling goes by. */
  #begin(definition: SpanDefinition, bits: number, at: number): SpanHandle {
    const span = this.#start(definition, NO_PARENT, true, at);
    if (span === undefined) return 0;
    const context = contextAt(span);
    this.#writeWord(this.#random.next(), context);
    this.#writeWord(this.#random.next(), context + 4);
    // Overlaps the bits by one byte, which they then take.
    this.#writeWord(this.#random.next() | 1, context + 12);
    this.#contexts[context + 8] = this.#random.next();
    this.#writeWord(bits, context + SAMPLING_BITS_AT);
    return span.handle;
  }

  /** Takes a slot and gives it a span id; the trace id is the caller's to write. */
  #start(definition: SpanDefinition, parent: SpanParent, isEntry: boolean, at: number): OpenSpan | undefined {
    if (this.#freeCount === 0) {
      this.#metrics.add(droppedPoolFull);
      return undefined;
    }
    const slot = this.#free[this.#freeHead]!;
    this.#freeHead = (this.#freeHead + 1) % this.#free.length;
    this.#freeCount -= 1;
    const span = this.#slots[slot]!;
    span.generation = span.generation === LAST_GENERATION ? 1 : span.generation + 1;
    span.handle = (span.generation << SLOT_BITS) | slot;
    span.definition = definition;
    span.parent = parent;
    span.isEntry = isEntry;
    span.startedAt = at;
    this.#writeSpanId(contextAt(span));
    if (isEntry) this.#metrics.add(tracesTotal);
    return span;
  }

  /** The arrays go with the finished span; the slot gets new ones when it has something to put in. */
  #release(span: OpenSpan): void {
    const slot = span.handle & SLOT_MASK;
    span.handle = 0;
    span.definition = null;
    span.attributes = [];
    span.droppedAttributes = 0;
    span.links = [];
    span.droppedLinks = 0;
    span.failure = null;
    this.#free[(this.#freeHead + this.#freeCount) % this.#free.length] = slot;
    this.#freeCount += 1;
  }

  #writeSpanId(context: number): void {
    const at = context + SPAN_ID_AT;
    this.#writeWord(this.#random.next(), at);
    // An id of zeros means "no span" (W3C Trace Context, section 3.2.2.4): a low bit of one costs nothing.
    this.#writeWord(this.#random.next() | 1, at + SPAN_ID_BYTES - 4);
    this.#contexts[context + FLAGS_AT] = SAMPLED_FLAG;
  }

  #writeWord(word: number, at: number): void {
    const contexts = this.#contexts;
    contexts[at] = word >>> 24;
    contexts[at + 1] = word >>> 16;
    contexts[at + 2] = word >>> 8;
    contexts[at + 3] = word;
  }
}

function contextAt(span: OpenSpan): number {
  return (span.handle & SLOT_MASK) * CONTEXT_BYTES;
}

function emptySlot(): OpenSpan {
  return {
    handle: 0,
    generation: 0,
    definition: null,
    parent: NO_PARENT,
    isEntry: false,
    startedAt: 0,
    attributes: [],
    droppedAttributes: 0,
    links: [],
    droppedLinks: 0,
    failure: null,
  };
}
