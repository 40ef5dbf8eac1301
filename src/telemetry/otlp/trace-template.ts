import { assert } from '../../base/errors.ts';
import { ATTRIBUTES, type AttributeDefinition, type SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { writeWideInt } from './attribute-bytes.ts';
import { type OtlpSpanEncoder, ROLE_OF_SPAN } from './span-encoder.ts';
import { hasParent } from './span-head.ts';
import { type NumberType, TemplateSection } from './template-section.ts';
import type { TracePatch } from './trace-patch.ts';
import { UnixNano } from './unix-nano.ts';

/** Bounds what finding the parents costs: a trace with more spans is shown span by span. */
const MAX_SPANS = 128;
const TRACE_WORDS = 4;
const ID_WORDS = 2;

/**
 * A trace as bytes, to be repeated. Between `start` and `finish` it is shown as to any visitor, and goes into the encoder's
 * batch; `append` adds traces that differ from it in ids, times and chosen numbers alone: a copy, with these written over.
 * May be started again for another shape.
 */
export class TraceTemplate implements SpanVisitor {
  readonly #encoder: OtlpSpanEncoder;
  readonly #time = new UnixNano();
  readonly #varies = new Uint8Array(Object.keys(ATTRIBUTES).length);
  readonly #sections: readonly TemplateSection[];
  #section: TemplateSection;
  #trace: readonly number[] = [];
  /** Of each span its id and its parent's. */
  #ids: (readonly [id: string, parentId: string | undefined])[] = [];
  #numbers = 0;
  #isRepeatable = false;

  constructor(encoder: OtlpSpanEncoder) {
    this.#encoder = encoder;
    this.#sections = encoder.roles.map((out) => new TemplateSection(out));
    this.#section = this.#sections[0]!;
  }

  /** `varying`: attributes of type int, double or boolean whose values `append` gives. No batch is taken before `finish`. */
  start(varying: readonly AttributeDefinition[]): void {
    this.#varies.fill(0);
    for (const { id } of varying) this.#varies[id] = 1;
    for (const section of this.#sections) section.start();
    this.#trace = [];
    this.#ids = [];
    this.#numbers = 0;
    this.#isRepeatable = true;
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    const { words } = identity;
    const trace = [...words.subarray(0, TRACE_WORDS)];
    if (this.#ids.length === 0) this.#trace = trace;
    else if (trace.some((word, index) => word !== this.#trace[index])) this.#isRepeatable = false;
    this.#section = this.#sections[ROLE_OF_SPAN[definition.id]!]!;
    this.#section.span(this.#ids.length);
    this.#ids.push([idOf(words, 4), hasParent(words) ? idOf(words, 6) : undefined]);
    this.#encoder.begin(definition, identity, startedAt, endedAt);
  }

  number(attribute: AttributeDefinition, value: number): void {
    const varies = this.#varies[attribute.id] === 1;
    if (varies && attribute.type === 'int') writeWideInt(this.#section.out, attribute.id, value);
    else this.#encoder.number(attribute, value);
    if (!varies) return;
    this.#section.number(this.#numbers, attribute.type as NumberType);
    this.#numbers += 1;
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    this.#encoder.text(attribute, value);
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    this.#encoder.textItem(attribute, value);
  }

  link(words: Uint32Array, isSampled: boolean): void {
    this.#encoder.link(words, isSampled);
  }

  dropped(attributes: number, links: number): void {
    this.#encoder.dropped(attributes, links);
  }

  traceState(value: TextSlice): void {
    this.#encoder.traceState(value);
  }

  fail(message: TextSlice): void {
    this.#encoder.fail(message);
  }

  /** Its event has a time of its own, which no patch gives: such traces are rare, and shown span by span. */
  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    this.#isRepeatable = false;
    this.#encoder.exception(type, message, stacktrace);
  }

  end(): void {
    this.#encoder.end();
  }

  /**
   * False: what was shown cannot be repeated. It was not one trace, has an exception, too many spans or
   * two of the same id, or not all of them fitted.
   */
  finish(): boolean {
    const positions = new Map(this.#ids.map(([id], index) => [id, TRACE_WORDS + ID_WORDS * index]));
    if (positions.size < this.#ids.length || positions.size > MAX_SPANS) this.#isRepeatable = false;
    if (!this.#isRepeatable) return false;
    const parents = this.#parentPositions(positions);
    for (const section of this.#sections)
      this.#isRepeatable = section.finish((index) => parents[index]!) && this.#isRepeatable;
    return this.#isRepeatable;
  }

  /** Adds a trace to the encoder's batch, or counts its spans as refused where they do not fit. */
  append(patch: TracePatch): void {
    assert(this.#isRepeatable, 'only what can be repeated is');
    const fits = this.#sections.every((section) => section.hasRoom());
    for (const section of this.#sections) {
      if (fits) section.append(patch, this.#time);
      else section.refuse();
    }
  }

  /** Where in a patch's ids the parent of each span lies; -1 where it has none. `positions`: of the spans' own ids. */
  #parentPositions(positions: Map<string, number>): number[] {
    return this.#ids.map(([, parentId]) => {
      if (parentId === undefined) return -1;
      const known = positions.get(parentId) ?? TRACE_WORDS + ID_WORDS * positions.size;
      positions.set(parentId, known);
      return known;
    });
  }
}

/** Two words as the key of a map. */
function idOf(words: Uint32Array, from: number): string {
  return `${words[from]} ${words[from + 1]}`;
}
