import { assert } from '../../base/errors.ts';
import type { AttributeDefinition } from '../catalogue.ts';
import type { ThrownError } from '../finished-span.ts';
import type { AttributeValue } from '../recorder.ts';
import { MAX_ATTRIBUTES, MAX_LINKS, MAX_STRINGS } from '../span-limits.ts';
import { isSampled, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../trace-context.ts';
import type { TextTable } from './text-table.ts';

/*
 * Entries of SPAN and EXTRA records, each in whole words: u0 attribute (16 bits) | type << 16, u1 value, then more words
 *
 *   text        u1 text                          number  u1 0; f1 value
 *   texts       u1 how many; then their references, two in a word
 *   link        u1 1 if sampled; u2-u5 trace id; u6-u7 span id
 *   failure     u1 text of the message           exception  u1 type; u2 message; u3 stack trace (0: none)
 *   dropped     u1 attributes; u2 links; u3 0    traceState u1 text
 *   more        u1 EXTRA that this one goes on from, which is shown too; only as the first entry of an EXTRA
 */
export const ENTRY_TYPE = {
  text: 1,
  number: 2,
  texts: 3,
  link: 4,
  failure: 5,
  exception: 6,
  dropped: 7,
  traceState: 8,
  more: 9,
} as const;

const CONTEXT_ID_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES;
const LINK_WORDS = 1 + CONTEXT_ID_BYTES / 8;
/** `dropped`, `failure`, `exception`, `traceState` and `more`: at most one of each. */
const OTHER_WORDS = 8;
/** As much as a span can have. */
const MAX_WORDS = MAX_ATTRIBUTES * (1 + MAX_STRINGS / 2) + MAX_LINKS * LINK_WORDS + OTHER_WORDS;

/** Entries on their way into a record. Their texts are in the ring before the record is. */
export class ExtraEntries {
  readonly u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #u8: Uint8Array;
  readonly #texts: TextTable;
  words = 0;
  count = 0;

  constructor(texts: TextTable) {
    const buffer = new ArrayBuffer(MAX_WORDS * 8);
    this.u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#u8 = new Uint8Array(buffer);
    this.#texts = texts;
  }

  reset(): void {
    this.words = 0;
    this.count = 0;
  }

  attribute(definition: AttributeDefinition, value: AttributeValue): void {
    if (typeof value === 'string') this.#head(definition.id, ENTRY_TYPE.text, this.#textOf(definition, value));
    else if (typeof value === 'object') this.#list(definition, value);
    else {
      const at = this.#head(definition.id, ENTRY_TYPE.number, 0, 1);
      this.#f64[at + 1] = Number(value);
    }
  }

  link(context: Uint8Array, offset: number): void {
    const at = this.#head(0, ENTRY_TYPE.link, isSampled(context, offset) ? 1 : 0, LINK_WORDS - 1);
    for (let byte = 0; byte < CONTEXT_ID_BYTES; byte += 1) this.#u8[(at + 1) * 8 + byte] = context[offset + byte]!;
  }

  failure(message: string): void {
    this.#head(0, ENTRY_TYPE.failure, this.#texts.of(message));
  }

  exception(thrown: ThrownError): void {
    const message = this.#texts.of(thrown.message);
    const stacktrace = thrown.stacktrace === null ? 0 : this.#texts.of(thrown.stacktrace);
    const at = this.#head(0, ENTRY_TYPE.exception, this.#texts.of(thrown.type), 1);
    this.u32[at * 2 + 2] = message;
    this.u32[at * 2 + 3] = stacktrace;
  }

  dropped(attributes: number, links: number): void {
    const at = this.#head(0, ENTRY_TYPE.dropped, attributes, 1);
    this.u32[at * 2 + 2] = links;
    this.u32[at * 2 + 3] = 0;
  }

  /** `extra`: reference of an EXTRA. */
  more(extra: number): void {
    assert(this.count === 0, 'what an EXTRA goes on from is its first entry');
    this.#head(0, ENTRY_TYPE.more, extra);
  }

  traceState(text: string): void {
    this.#head(0, ENTRY_TYPE.traceState, this.#texts.once(text) | 0);
  }

  #list(definition: AttributeDefinition, values: readonly string[]): void {
    const references = values.map((value) => this.#textOf(definition, value));
    const at = this.#head(definition.id, ENTRY_TYPE.texts, references.length, Math.ceil(references.length / 2));
    references.forEach((reference, index) => {
      this.u32[at * 2 + 2 + index] = reference;
    });
  }

  /** What grows with use is not remembered: it would push out what comes again. */
  #textOf({ cardinality }: AttributeDefinition, text: string): number {
    return cardinality === 'high' ? this.#texts.once(text) | 0 : this.#texts.of(text);
  }

  #head(attribute: number, type: number, value: number, moreWords = 0): number {
    const at = this.words;
    assert(at + 1 + moreWords <= MAX_WORDS, 'a span is within its limits (span-limits.ts)');
    this.u32[at * 2] = attribute | (type << 16);
    this.u32[at * 2 + 1] = value;
    this.words += 1 + moreWords;
    this.count += 1;
    return at;
  }
}
