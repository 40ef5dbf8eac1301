import type { AttributeDefinition, SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { isInt64 } from './attribute-bytes.ts';
import { type OtlpSpanEncoder, ROLE_OF_SPAN } from './span-encoder.ts';
import { type NumberType, SectionPlaces, type TemplateSection } from './template-section.ts';
import { identityFlags, MAX_CALLS, MAX_SPANS, UnitTemplate } from './unit-template.ts';

/**
 * Makes a template of a unit while it is shown: passes every call on, to a visitor in front of the encoder, and notes where
 * ids, times and varying numbers come to lie.
 */
export class TemplateCapture implements SpanVisitor {
  readonly #encoder: OtlpSpanEncoder;
  readonly #sections: readonly SectionPlaces[];
  #next: SpanVisitor;
  #section: SectionPlaces;
  #varies = new Uint8Array(MAX_CALLS);
  #subjects: (SpanDefinition | AttributeDefinition | null)[] = [];
  #texts: (TextSlice | undefined)[] = [];
  #values: number[] = [];
  #spans = 0;
  #numbers = 0;
  #isRepeatable = false;

  constructor(encoder: OtlpSpanEncoder) {
    this.#encoder = encoder;
    this.#next = encoder;
    this.#sections = encoder.roles.map((out) => new SectionPlaces(out));
    this.#section = this.#sections[0]!;
  }

  /** `next`: what is shown to it goes to the encoder. `varies`: by call, 1 where its number varies. */
  start(next: SpanVisitor, varies: Uint8Array): this {
    this.#next = next;
    this.#varies = varies.slice();
    for (const section of this.#sections) section.start();
    this.#subjects = [];
    this.#texts = [];
    this.#values = [];
    this.#spans = 0;
    this.#numbers = 0;
    this.#isRepeatable = true;
    return this;
  }

  /** Undefined: what was shown cannot be repeated. */
  finish(): UnitTemplate | undefined {
    const isTooLong = this.#subjects.length > MAX_CALLS || this.#spans > MAX_SPANS;
    if (!this.#isRepeatable || isTooLong || this.#sections.some(({ isCut }) => isCut)) return undefined;
    const sections = this.#sections.map((section) => section.finish());
    const calls = { subjects: this.#subjects, texts: this.#texts, numbers: this.#values };
    return new UnitTemplate(
      calls,
      this.#varies,
      this.#spans,
      sections.filter((section): section is TemplateSection => section !== undefined),
    );
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    this.#call(definition, undefined, identityFlags(identity));
    this.#section = this.#sections[ROLE_OF_SPAN[definition.id]!]!;
    this.#section.span(this.#spans, identity.words);
    this.#spans += 1;
    this.#next.begin(definition, identity, startedAt, endedAt);
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    this.#call(attribute, value, 0);
    this.#next.text(attribute, value);
  }

  number(attribute: AttributeDefinition, value: number): void {
    const isVarying = this.#varies[this.#subjects.length] === 1;
    const isPatched = isVarying && (attribute.type !== 'int' || isInt64(value));
    if (isVarying && !isPatched) this.#isRepeatable = false;
    this.#call(attribute, undefined, value);
    if (!isPatched) {
      this.#next.number(attribute, value);
      return;
    }
    // One number may be told under two names.
    this.#encoder.beginWide();
    this.#next.number(attribute, value);
    for (const { type, end } of this.#encoder.endWide()) this.#section.number(this.#numbers, type as NumberType, end);
    this.#numbers += 1;
  }

  end(): void {
    this.#call(null, undefined, 0);
    this.#next.end();
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    this.#isRepeatable = false;
    this.#next.textItem(attribute, value);
  }

  link(words: Uint32Array, isSampled: boolean): void {
    this.#isRepeatable = false;
    this.#next.link(words, isSampled);
  }

  dropped(attributes: number, links: number): void {
    this.#isRepeatable = false;
    this.#next.dropped(attributes, links);
  }

  traceState(value: TextSlice): void {
    this.#isRepeatable = false;
    this.#next.traceState(value);
  }

  fail(message: TextSlice): void {
    this.#isRepeatable = false;
    this.#next.fail(message);
  }

  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    this.#isRepeatable = false;
    this.#next.exception(type, message, stacktrace);
  }

  #call(subject: SpanDefinition | AttributeDefinition | null, text: TextSlice | undefined, value: number): void {
    this.#subjects.push(subject);
    this.#texts.push(text);
    this.#values.push(value);
  }
}
