import { assert } from '../../base/errors.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import { SCOPE_SPANS } from './field-tags.ts';
import { MAX_PADDED_LENGTH, PADDED_LENGTH_BYTES, paddedLength, varintBytes } from './varint.ts';

const FIRST_BYTES = 64 * 1024;
/** The request around the spans has a length too. */
const MAX_BYTES = (MAX_PADDED_LENGTH + 1) / 2;
/** Constants are written in whole words, up to this much beyond what they are: what follows is written over it. */
const OVERRUN_BYTES = 8;
/** From here on the engine's own copying is worth its call. */
const LONG_TEXT_BYTES = 64;

/** The spans of one role, one after the other as fields of a ScopeSpans: grows up to a bound and is used again. */
export class SpanBytes {
  bytes = new Uint8Array(FIRST_BYTES);
  view = new DataView(this.bytes.buffer);
  /** Where the next byte comes. */
  at = 0;
  spans = 0;
  /** Of these spans, those by which a trace came into the process. */
  traces = 0;
  /** Spans that did not fit and are not here. */
  refused = 0;
  readonly #maxBytes: number;
  #start = 0;
  #fits = true;

  constructor(maxBytes: number) {
    assert(
      maxBytes >= FIRST_BYTES && maxBytes <= MAX_BYTES,
      `a buffer of spans has ${FIRST_BYTES} to ${MAX_BYTES} bytes`,
    );
    this.#maxBytes = maxBytes;
  }

  /** Begins a span: its tag, and room for its length. Where it begins. */
  begin(): number {
    this.#start = this.at;
    this.#fits = true;
    return this.at;
  }

  /** Writes the length of the span, or takes back what did not fit. */
  end(isEntry: boolean): void {
    const start = this.#start;
    if (!this.#fits) {
      this.at = start;
      this.refused += 1;
      return;
    }
    const length = this.at - start - 1 - PADDED_LENGTH_BYTES;
    this.view.setUint8(start, SCOPE_SPANS.span);
    this.view.setInt32(start + 1, paddedLength(length), true);
    this.spans += 1;
    if (isEntry) this.traces += 1;
  }

  /** Whether there is room for so many bytes more and the overrun of constants; if not, the span is refused as a whole. */
  hasRoom(bytes: number): boolean {
    const needed = this.at + bytes + OVERRUN_BYTES;
    return needed <= this.bytes.length || this.#grow(needed);
  }

  /** One of the values above 127 that tags and lengths rarely have takes several bytes. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.at++] = (rest & 0x7f) | 0x80;
    this.bytes[this.at++] = rest;
  }

  /** A field of text. `hasRoom` was asked. */
  textField(tag: number, value: TextSlice): void {
    this.bytes[this.at++] = tag;
    this.varint(value.end - value.start);
    this.text(value);
  }

  text({ bytes, start, end }: TextSlice): void {
    const out = this.bytes;
    let at = this.at;
    if (end - start >= LONG_TEXT_BYTES) out.set(bytes.subarray(start, end), at);
    else for (let from = start; from < end; from += 1, at += 1) out[at] = bytes[from]!;
    this.at += end - start;
  }

  clear(): void {
    this.at = 0;
    this.spans = 0;
    this.traces = 0;
    this.refused = 0;
  }

  #grow(needed: number): boolean {
    if (needed > this.#maxBytes) {
      this.#fits = false;
      return false;
    }
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    return true;
  }
}

/** Bytes of a field of text: its tag, its length, and as many. */
export function textFieldBytes(textBytes: number): number {
  return 1 + varintBytes(textBytes) + textBytes;
}
