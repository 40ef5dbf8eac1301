import type { AttributeDefinition, SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { isInt64 } from './attribute-bytes.ts';
import { IDENTITY_WORDS, type UnitDetails } from './template-section.ts';
import { type Calls, identityFlags, type UnitTemplate } from './unit-template.ts';

const NO_CALLS: Calls = { subjects: [], texts: [], numbers: [] };

/**
 * Compares a unit that it is shown with a template, and writes what it has of its own into the template's `details`. What is
 * the same is known by identity: texts of the same reference are one object (records/expand/record-source.ts).
 */
export class TemplateReplay implements SpanVisitor {
  /** The template's own. */
  #details: UnitDetails = { words: new Uint32Array(0), times: new Float64Array(0), numbers: new Float64Array(0) };
  #calls = NO_CALLS;
  #varies: Uint8Array = new Uint8Array(0);
  #call = 0;
  #spans = 0;
  #numbers = 0;
  #isSame = false;
  /** Calls whose numbers were not the template's. */
  readonly #different: number[] = [];

  start({ calls, varies, details }: UnitTemplate): this {
    this.#details = details;
    this.#calls = calls;
    this.#varies = varies;
    this.#call = 0;
    this.#spans = 0;
    this.#numbers = 0;
    this.#isSame = true;
    this.#different.length = 0;
    return this;
  }

  /** The unit is the template's but for what the template's `details` now say; if not, those are of no unit. */
  get isRepeated(): boolean {
    return this.#isSame && this.#different.length === 0 && this.#call === this.#calls.subjects.length;
  }

  /** Notes for the next template which numbers vary, as this unit has shown. */
  learn(varies: Uint8Array): void {
    if (this.#isSame) for (const call of this.#different) varies[call] = 1;
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    const { subjects, numbers } = this.#calls;
    const call = this.#call;
    this.#call = call + 1;
    if (!this.#isSame || subjects[call] !== definition || numbers[call] !== identityFlags(identity)) {
      this.#isSame = false;
      return;
    }
    const { words, times } = this.#details;
    const span = this.#spans;
    this.#spans = span + 1;
    const to = span * IDENTITY_WORDS;
    for (let word = 0; word < IDENTITY_WORDS; word += 1) words[to + word] = identity.words[word]!;
    times[2 * span] = startedAt;
    times[2 * span + 1] = endedAt;
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    const call = this.#call;
    this.#call = call + 1;
    if (this.#calls.subjects[call] !== attribute || this.#calls.texts[call] !== value) this.#isSame = false;
  }

  number(attribute: AttributeDefinition, value: number): void {
    const call = this.#call;
    this.#call = call + 1;
    if (this.#calls.subjects[call] !== attribute) this.#isSame = false;
    else if (this.#varies[call] === 1) {
      if (attribute.type === 'int' && !isInt64(value)) this.#isSame = false;
      this.#details.numbers[this.#numbers] = value;
      this.#numbers += 1;
    } else if (this.#calls.numbers[call] !== value) this.#different.push(call);
  }

  end(): void {
    const call = this.#call;
    this.#call = call + 1;
    if (this.#calls.subjects[call] !== null) this.#isSame = false;
  }

  textItem(): void {
    this.#isSame = false;
  }

  link(): void {
    this.#isSame = false;
  }

  dropped(): void {
    this.#isSame = false;
  }

  traceState(): void {
    this.#isSame = false;
  }

  fail(): void {
    this.#isSame = false;
  }

  exception(): void {
    this.#isSame = false;
  }
}
