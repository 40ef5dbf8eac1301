import { ATTRIBUTES, type AttributeDefinition, SPANS, type SpanDefinition } from '../catalogue.ts';
import { EMPTY_TEXT, slice } from '../records/expand/record-source.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { KEEP_REASONS } from '../sampling/keep-reason.ts';
import { spanIdOf, traceIdOf } from '../trace-context.ts';
import type { ExemplarNotice } from './thread-protocol.ts';

const REASONS: readonly TextSlice[] = KEEP_REASONS.map(slice);
/** By span: the label `operation` of the histogram that it is an example of. */
const OPERATIONS = new Map<SpanDefinition, string>([
  [SPANS.mqttPublish, 'publish'],
  [SPANS.mqttConnect, 'connect'],
  [SPANS.mqttSubscribe, 'subscribe'],
  [SPANS.mqttUnsubscribe, 'unsubscribe'],
]);
/** Of one batch: a histogram has not many more buckets. */
const MAX_EXEMPLARS = 16;
/** Of durations that differ by less than twice, one in so long: nobody looks at `/metrics` more often. */
const EXEMPLAR_PAUSE_MS = 500;
/** Octaves of a duration, from a microsecond up. */
const OCTAVES = 32;

/**
 * Passes on the spans that are kept. The span by which a trace came in says why it is kept; some of these are remembered, as examples
 * of how long requests take.
 */
export class KeptVisitor implements SpanVisitor {
  /** Index in KEEP_REASONS plus one, of the trace that is shown. */
  reason = 0;
  /** `tracestate` of that trace; empty: none. */
  state: TextSlice = EMPTY_TEXT;
  readonly #visitor: SpanVisitor;
  #isEntry = false;
  #exemplars: ExemplarNotice[] = [];
  /** By operation and octave: when the example that was remembered last ended. */
  readonly #rememberedAt = new Map<string, Float64Array>();

  constructor(visitor: SpanVisitor) {
    this.#visitor = visitor;
  }

  /** Of what was shown since the last call. */
  takeExemplars(): readonly ExemplarNotice[] {
    const exemplars = this.#exemplars;
    this.#exemplars = [];
    return exemplars;
  }

  /** A unit has gone by this visitor to the encoder, as a copy: its first span was this one, by which its trace came in. */
  entryRepeated(definition: SpanDefinition, words: Uint32Array, startedAt: number, endedAt: number): void {
    if (this.#exemplars.length < MAX_EXEMPLARS) this.#remember(definition, words, startedAt, endedAt);
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    this.#isEntry = identity.isEntry;
    if (identity.isEntry && this.#exemplars.length < MAX_EXEMPLARS)
      this.#remember(definition, identity.words, startedAt, endedAt);
    this.#visitor.begin(definition, identity, startedAt, endedAt);
    if (this.state.end > this.state.start) this.#visitor.traceState(this.state);
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    this.#visitor.text(attribute, value);
  }

  number(attribute: AttributeDefinition, value: number): void {
    this.#visitor.number(attribute, value);
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    this.#visitor.textItem(attribute, value);
  }

  link(words: Uint32Array, isSampled: boolean): void {
    this.#visitor.link(words, isSampled);
  }

  dropped(attributes: number, links: number): void {
    this.#visitor.dropped(attributes, links);
  }

  /** As the caller sent it: what becomes of it is said on all spans of the trace. */
  traceState(): void {}

  fail(message: TextSlice): void {
    this.#visitor.fail(message);
  }

  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    this.#visitor.exception(type, message, stacktrace);
  }

  end(): void {
    if (this.#isEntry && this.reason > 0) this.#visitor.text(ATTRIBUTES.samplingReason, REASONS[this.reason - 1]!);
    this.#visitor.end();
  }

  #remember(definition: SpanDefinition, words: Uint32Array, startedAt: number, endedAt: number): void {
    const operation = OPERATIONS.get(definition);
    if (operation === undefined || !this.#isDue(operation, endedAt - startedAt, endedAt)) return;
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#exemplars.push({
      operation,
      durationMs: endedAt - startedAt,
      traceId: traceIdOf(bytes),
      spanId: spanIdOf(bytes),
      at: endedAt,
    });
  }

  #isDue(operation: string, durationMs: number, endedAt: number): boolean {
    let octaves = this.#rememberedAt.get(operation);
    if (octaves === undefined) {
      octaves = new Float64Array(OCTAVES);
      this.#rememberedAt.set(operation, octaves);
    }
    const octave = Math.min(OCTAVES - 1, 32 - Math.clz32(durationMs * 1000));
    if (endedAt - octaves[octave]! < EXEMPLAR_PAUSE_MS) return false;
    octaves[octave] = endedAt;
    return true;
  }
}
