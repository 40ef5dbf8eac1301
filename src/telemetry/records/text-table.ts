import type { RingWriter } from '../ring/ring-writer.ts';
import { MAX_STRING_LENGTH } from '../span-limits.ts';
import { RECORD } from './record-kinds.ts';

/** Where a text that many records refer to was last written; kept by whoever has the text. 0: never. */
export interface TextSlot {
  tracePosition: number;
}

/** Remembered at once: texts, and what they are long together in UTF-16 units. */
const MAX_INTERNED = 8192;
const MAX_INTERNED_LENGTH = 1 << 20;
/** No character takes more bytes of UTF-8 for each of its UTF-16 units. */
const MAX_BYTES_PER_UNIT = 3;

/*
 * TEXT := u32 kind|words, u32 bytes of UTF-8; then the bytes, up to a whole word
 */

/**
 * Puts texts into the ring, once as long as they are recent there: other records refer to them by position (low 32 bits).
 * A text that has become old is written again (`RingWriter.isRecent`), so that what refers to it does not outlive it.
 */
export class TextTable {
  readonly #writer: RingWriter;
  readonly #encoder = new TextEncoder();
  readonly #positions = new Map<string, number>();
  #internedLength = 0;
  readonly #encoded = new Uint8Array(MAX_STRING_LENGTH * MAX_BYTES_PER_UNIT);

  constructor(writer: RingWriter) {
    this.#writer = writer;
  }

  /** Reference of a text that lies ready as UTF-8, with the slot that remembers it. Cut off as `of` does. */
  ofBytes(slot: TextSlot, bytes: Uint8Array): number {
    const known = slot.tracePosition;
    if (known !== 0 && this.#writer.isRecent(known)) return known | 0;
    slot.tracePosition = this.#write(bytes, boundedLength(bytes));
    return slot.tracePosition | 0;
  }

  /** Reference of a text that comes again and again: clients, rules, codes. Cut off at MAX_STRING_LENGTH. */
  of(text: string): number {
    return this.#positionOf(text) | 0;
  }

  /** The same, for who has a slot to remember it in. The slot is of one text until it is emptied. */
  ofText(slot: TextSlot, text: string): number {
    const known = slot.tracePosition;
    if (known !== 0 && this.#writer.isRecent(known)) return known | 0;
    slot.tracePosition = this.#positionOf(text);
    return slot.tracePosition | 0;
  }

  /** Writes a text that will hardly come again; its position. */
  once(text: string): number {
    const bounded = text.length <= MAX_STRING_LENGTH ? text : text.slice(0, MAX_STRING_LENGTH);
    return this.#write(this.#encoded, this.#encoder.encodeInto(bounded, this.#encoded).written);
  }

  #positionOf(text: string): number {
    const known = this.#positions.get(text);
    if (known !== undefined && this.#writer.isRecent(known)) return known;
    const position = this.once(text);
    if (text.length > MAX_STRING_LENGTH) return position;
    if (known === undefined) this.#makeRoom(text.length);
    this.#positions.set(text, position);
    return position;
  }

  #makeRoom(length: number): void {
    if (this.#positions.size >= MAX_INTERNED || this.#internedLength + length > MAX_INTERNED_LENGTH) {
      this.#positions.clear();
      this.#internedLength = 0;
    }
    this.#internedLength += length;
  }

  #write(bytes: Uint8Array, length: number): number {
    const writer = this.#writer;
    const at = writer.reserve(RECORD.text, 1 + ((length + 7) >> 3));
    const position = writer.position;
    writer.u32[at * 2 + 1] = length;
    writer.u8.set(length === bytes.length ? bytes : bytes.subarray(0, length), (at + 1) * 8);
    writer.complete(0);
    return position;
  }
}

/** How many bytes of UTF-8 hold MAX_STRING_LENGTH UTF-16 units, and never half a character. */
function boundedLength(bytes: Uint8Array): number {
  if (bytes.length <= MAX_STRING_LENGTH) return bytes.length;
  let units = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if ((byte & 0xc0) === 0x80) continue;
    // Four bytes of UTF-8 are two units of UTF-16.
    units += byte >= 0xf0 ? 2 : 1;
    if (units > MAX_STRING_LENGTH) return at;
  }
  return bytes.length;
}
