import { assert } from '../../base/errors.ts';
import { ATTRIBUTES, type AttributeDefinition, SPANS, type SpanDefinition, type SpanKind } from '../catalogue.ts';
import { KEY_VALUE, SPAN } from './field-tags.ts';

/** Keys and names of the catalogue are no longer, so that room for them can be asked for without looking. */
const MAX_TEXT_BYTES = 64;
export const MAX_CONSTANT_BYTES = MAX_TEXT_BYTES + 8;
const WORD_BYTES = 8;

/**
 * The constant parts of a catalogue, to be copied eight bytes at a time: where they lie as words in one array. Doubles,
 * because those are the only eight bytes that are read and written without an object.
 */
export interface ConstantWords {
  readonly words: Float64Array;
  /** By id: the first word; the next entry's is where it ends. */
  readonly starts: Int32Array;
  /** By id: bytes, without what fills up the last word. */
  readonly lengths: Int32Array;
}

/** `SpanKind` of trace.proto. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** Of each span the fields `name` and `kind`. */
export const SPAN_WORDS = constantWords(Object.values(SPANS), ({ name, kind }: SpanDefinition) =>
  Buffer.concat([Buffer.of(SPAN.name, name.length), ascii(name), Buffer.of(SPAN.kind, KINDS[kind])]),
);

/** Of each attribute its key and the tag of the value: what lies between the length of the key and that of the value. */
export const KEY_WORDS = constantWords(Object.values(ATTRIBUTES), ({ key }: AttributeDefinition) =>
  Buffer.concat([ascii(key), Buffer.of(KEY_VALUE.value)]),
);

/** Writes them where `at` is, with up to seven bytes beyond. Where they end. */
export function writeConstant(
  view: DataView,
  at: number,
  { words, starts, lengths }: ConstantWords,
  id: number,
): number {
  const end = starts[id + 1]!;
  for (let index = starts[id]!, to = at; index < end; index += 1, to += WORD_BYTES)
    view.setFloat64(to, words[index]!, true);
  return at + lengths[id]!;
}

function constantWords<Entry extends { readonly id: number }>(
  entries: readonly Entry[],
  encode: (entry: Entry) => Buffer,
): ConstantWords {
  const parts = entries.map(encode);
  const starts = new Int32Array(parts.length + 1);
  for (const [index, { length }] of parts.entries())
    starts[index + 1] = starts[index]! + Math.ceil(length / WORD_BYTES);
  const bytes = Buffer.alloc(starts.at(-1)! * WORD_BYTES);
  for (const [index, part] of parts.entries()) {
    assert(entries[index]!.id === index, 'a catalogue lies in the order of its ids');
    part.copy(bytes, starts[index]! * WORD_BYTES);
  }
  const words = Float64Array.from({ length: starts.at(-1)! }, (_, index) => bytes.readDoubleLE(index * WORD_BYTES));
  assert(!words.some(Number.isNaN), 'no eight bytes of a catalogue are a NaN, whose bits may change on the way');
  return { words, starts, lengths: Int32Array.from(parts, ({ length }) => length) };
}

function ascii(text: string): Buffer {
  assert(
    /^[\x20-\x7e]+$/.test(text) && text.length <= MAX_TEXT_BYTES,
    `"${text}" is up to ${MAX_TEXT_BYTES} letters of ASCII`,
  );
  return Buffer.from(text, 'latin1');
}
