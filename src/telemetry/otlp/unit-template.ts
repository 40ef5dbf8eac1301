import { ATTRIBUTES, type AttributeDefinition, type SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, TextSlice } from '../records/span-visitor.ts';
import { IDENTITY_WORDS, type TemplateSection, type UnitDetails } from './template-section.ts';
import type { UnixNano } from './unix-nano.ts';

/** A unit with more calls or spans is shown each time. */
export const MAX_CALLS = 512;
export const MAX_SPANS = 64;

/** What a visitor was called with, in order. A call that is not one of these three cannot be repeated. */
export interface Calls {
  /** `begin`: the span; `text` and `number`: the attribute; `end`: null. */
  readonly subjects: readonly (SpanDefinition | AttributeDefinition | null)[];
  readonly texts: readonly (TextSlice | undefined)[];
  /** `number`: the value; `begin`: identityFlags. */
  readonly numbers: readonly number[];
}

/**
 * A unit as bytes, to be repeated: another that makes the same calls with the same texts differs from it in ids, times and
 * varying numbers alone, which are written over before the bytes are added to a batch.
 */
export class UnitTemplate {
  readonly calls: Calls;
  /** By call: 1 where its number varies. */
  readonly varies: Uint8Array;
  /** Filled by who compares a unit with the template. */
  readonly details: UnitDetails;
  readonly #sections: readonly TemplateSection[];
  /** Which of the varying numbers are packet identifiers. */
  readonly #packetIds: readonly number[];
  /** Whether all calls with a packet identifier may be given another. */
  readonly #packetIdVaries: boolean;

  constructor(calls: Calls, varies: Uint8Array, spans: number, sections: readonly TemplateSection[]) {
    this.calls = calls;
    this.varies = varies;
    this.#sections = sections;
    const numbers = calls.subjects.flatMap((subject, call) => (varies[call] === 1 ? [subject] : []));
    this.#packetIds = numbers.flatMap((subject, index) => (subject === ATTRIBUTES.mqttPacketId ? [index] : []));
    const told = calls.subjects.filter((subject) => subject === ATTRIBUTES.mqttPacketId);
    this.#packetIdVaries = told.length === this.#packetIds.length;
    this.details = {
      words: new Uint32Array(spans * IDENTITY_WORDS),
      times: new Float64Array(spans * 2),
      numbers: new Float64Array(numbers.length),
    };
  }

  /** The span by which the units' trace came into the process, if that is their first. */
  get entry(): SpanDefinition | undefined {
    return (this.calls.numbers[0]! & IS_ENTRY) === 0 ? undefined : (this.calls.subjects[0] as SpanDefinition);
  }

  get bytes(): number {
    return this.#sections.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The bytes become those of the unit that `details` are of. */
  patch(time: UnixNano): void {
    for (const section of this.#sections) section.patch(this.details, time);
  }

  /**
   * The bytes become those of a unit that differs from the one before in its identity (see Expansion.identity) and its packet
   * identifier alone; false: they cannot.
   */
  follow(identity: Uint32Array, packetId: number): boolean {
    const hasParent = (identity[6]! | identity[7]!) !== 0;
    if (hasParent !== ((this.calls.numbers[0]! & HAS_PARENT) !== 0) || !this.#packetIdVaries) return false;
    for (const section of this.#sections) {
      section.identify(identity);
      for (const index of this.#packetIds) section.renumber(index, packetId);
    }
    return true;
  }

  /** Adds the bytes to the encoder's batch, or counts their spans as refused where they do not fit. */
  append(): void {
    let fits = true;
    for (const section of this.#sections) fits = section.hasRoom() && fits;
    for (const section of this.#sections) {
      if (fits) section.append();
      else section.refuse();
    }
  }
}

const HAS_PARENT = 1;
const IS_PARENT_REMOTE = 2;
const IS_ENTRY = 4;

/** What of an identity decides how a span is written. */
export function identityFlags({ words, isParentRemote, isEntry }: SpanIdentity): number {
  const parent = (words[6]! | words[7]!) === 0 ? 0 : HAS_PARENT;
  return parent | (isParentRemote ? IS_PARENT_REMOTE : 0) | (isEntry ? IS_ENTRY : 0);
}
