import { withStage } from '../records/trace-ids.ts';
import type { SpanBytes } from './span-bytes.ts';
import { HEAD, hasParent, writeSpanId, writeTraceId } from './span-head.ts';
import type { UnixNano } from './unix-nano.ts';
import { PADDED_INT_BYTES, writePaddedInt } from './varint.ts';

/** A number that varies: its type says how it lies there. */
export type NumberType = 'int' | 'double' | 'boolean';

/** What another unit of the same shape has of its own. Reused. */
export interface UnitDetails {
  /** Of each span in the order shown: eight words as in SpanIdentity. */
  readonly words: Uint32Array;
  /** Start and end of each span, in Unix milliseconds. */
  readonly times: Float64Array;
  /** The varying numbers in the order shown. */
  readonly numbers: Float64Array;
}

/** Where a span begins in the image, which of the unit's it is, and the stages that its id and its parent's end with. */
interface SpanPlace {
  readonly at: number;
  readonly index: number;
  readonly isChild: boolean;
  stage: number;
  parentStage: number;
}

interface NumberPlace {
  readonly at: number;
  readonly index: number;
  readonly type: NumberType;
}

export const IDENTITY_WORDS = 8;
const BYTES_OF: Readonly<Record<NumberType, number>> = { int: PADDED_INT_BYTES, double: 8, boolean: 1 };

/** What one role has of a template: the bytes of its spans as the last unit had them, and the places that differ from unit to unit. */
export class TemplateSection {
  readonly #out: SpanBytes;
  readonly #image: Uint8Array;
  readonly #view: DataView;
  readonly #traces: number;
  readonly #spans: readonly SpanPlace[];
  readonly #numbers: readonly NumberPlace[];

  constructor(out: SpanBytes, image: Uint8Array, traces: number, spans: SpanPlace[], numbers: NumberPlace[]) {
    this.#out = out;
    this.#image = image;
    this.#view = new DataView(image.buffer, image.byteOffset, image.length);
    this.#traces = traces;
    this.#spans = spans;
    this.#numbers = numbers;
  }

  get bytes(): number {
    return this.#image.length;
  }

  /** The image becomes that of a unit with these details. */
  patch({ words, times, numbers }: UnitDetails, time: UnixNano): void {
    const view = this.#view;
    for (const span of this.#spans) {
      const { at, index, isChild } = span;
      const from = index * IDENTITY_WORDS;
      writeTraceId(view, at + HEAD.traceId, words, from);
      writeSpanId(view, at + HEAD.spanId, words, from + 4);
      if (isChild) writeSpanId(view, at + HEAD.parentSpanId, words, from + 6);
      span.stage = words[from + 5]! >>> 24;
      span.parentStage = words[from + 7]! >>> 24;
      time.write(view, at + HEAD.startTime, times[2 * index]!);
      time.writeEnd(view, at + HEAD.endTime, times[2 * index]!, times[2 * index + 1]!);
    }
    for (const { index } of this.#numbers) this.renumber(index, numbers[index]!);
  }

  /** The image becomes that of a unit with another identity (see Expansion.identity) and all else the same. */
  identify(identity: Uint32Array): void {
    const view = this.#view;
    const id = identity[4]!;
    const last = identity[5]!;
    for (const { at, index, isChild, stage, parentStage } of this.#spans) {
      writeTraceId(view, at + HEAD.traceId, identity, 0);
      view.setUint32(at + HEAD.spanId, id, true);
      view.setUint32(at + HEAD.spanId + 4, withStage(last, stage), true);
      if (index === 0) {
        if (isChild) writeSpanId(view, at + HEAD.parentSpanId, identity, 6);
      } else if (isChild) {
        view.setUint32(at + HEAD.parentSpanId, id, true);
        view.setUint32(at + HEAD.parentSpanId + 4, withStage(last, parentStage), true);
      }
    }
  }

  /** The `index`-th varying number of the unit, wherever it lies here. */
  renumber(index: number, value: number): void {
    for (const place of this.#numbers) if (place.index === index) writeNumber(this.#view, place.at, place.type, value);
  }

  hasRoom(): boolean {
    return this.#out.hasRoom(this.#image.length);
  }

  /** Adds what the image is of. `hasRoom` was asked. */
  append(): void {
    const out = this.#out;
    out.bytes.set(this.#image, out.at);
    out.at += this.#image.length;
    out.spans += this.#spans.length;
    out.traces += this.#traces;
  }

  refuse(): void {
    this.#out.refused += this.#spans.length;
  }
}

/** Notes the places of a section while its spans are written. */
export class SectionPlaces {
  readonly out: SpanBytes;
  #spans: SpanPlace[] = [];
  #numbers: NumberPlace[] = [];
  #start = 0;
  #traces = 0;
  #refused = 0;

  constructor(out: SpanBytes) {
    this.out = out;
  }

  start(): void {
    this.#spans = [];
    this.#numbers = [];
    this.#start = this.out.at;
    this.#traces = this.out.traces;
    this.#refused = this.out.refused;
  }

  /** The next span, which begins where the buffer ends: the `index`-th of the unit. `words` as in SpanIdentity. */
  span(index: number, words: Uint32Array): void {
    const at = this.out.at - this.#start;
    this.#spans.push({ at, index, isChild: hasParent(words), stage: 0, parentStage: 0 });
  }

  /** The number that ends at `end` in the buffer: the `index`-th that varies in the unit. */
  number(index: number, type: NumberType, end: number): void {
    this.#numbers.push({ at: end - this.#start - BYTES_OF[type], index, type });
  }

  /** Not all spans fitted: what is there is no image of them. */
  get isCut(): boolean {
    return this.out.refused !== this.#refused;
  }

  /** Undefined: nothing was written to this section. */
  finish(): TemplateSection | undefined {
    const { out } = this;
    if (this.#spans.length === 0) return undefined;
    const image = out.bytes.slice(this.#start, out.at);
    return new TemplateSection(out, image, out.traces - this.#traces, this.#spans, this.#numbers);
  }
}

function writeNumber(view: DataView, at: number, type: NumberType, value: number): void {
  if (type === 'int') writePaddedInt(view, at, value);
  else if (type === 'double') view.setFloat64(at, value, true);
  else view.setUint8(at, value === 0 ? 0 : 1);
}
