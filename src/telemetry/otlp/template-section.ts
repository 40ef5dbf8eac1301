import type { SpanBytes } from './span-bytes.ts';
import { HEAD, writeSpanId, writeTraceId } from './span-head.ts';
import type { TracePatch } from './trace-patch.ts';
import type { UnixNano } from './unix-nano.ts';
import { PADDED_INT_BYTES, writePaddedInt } from './varint.ts';

/** A number that varies: its type says how it lies there. */
export type NumberType = 'int' | 'double' | 'boolean';

const NO_PARENT = -1;
const BYTES_OF: Readonly<Record<NumberType, number>> = { int: PADDED_INT_BYTES, double: 8, boolean: 1 };

/** What one role has of a template: the bytes of its spans, and the places in them that differ from trace to trace. */
export class TemplateSection {
  readonly out: SpanBytes;
  readonly #spans: { at: number; index: number; parentAt: number }[] = [];
  readonly #numbers: { at: number; index: number; type: NumberType }[] = [];
  #image = new Uint8Array(0);
  #start = 0;
  #traces = 0;
  #refused = 0;

  constructor(out: SpanBytes) {
    this.out = out;
  }

  start(): void {
    this.#spans.length = 0;
    this.#numbers.length = 0;
    this.#start = this.out.at;
    this.#traces = this.out.traces;
    this.#refused = this.out.refused;
  }

  /** The next span, which begins where the buffer ends: the `index`-th of the trace. */
  span(index: number): void {
    this.#spans.push({ at: this.out.at - this.#start, index, parentAt: NO_PARENT });
  }

  /** The number that ends where the buffer ends: the `index`-th that varies in the trace. */
  number(index: number, type: NumberType): void {
    this.#numbers.push({ at: this.out.at - this.#start - BYTES_OF[type], index, type });
  }

  /** False: not all spans are there. `parentAt`: where in the patch's ids the parent of a span lies, -1 if it has none. */
  finish(parentAt: (index: number) => number): boolean {
    const { out } = this;
    for (const span of this.#spans) span.parentAt = parentAt(span.index);
    this.#image = out.bytes.slice(this.#start, out.at);
    this.#traces = out.traces - this.#traces;
    return out.refused === this.#refused;
  }

  hasRoom(): boolean {
    return this.out.hasRoom(this.#image.length);
  }

  /** `hasRoom` was asked. */
  append({ ids, times, numbers }: TracePatch, time: UnixNano): void {
    const { out } = this;
    const { view, at: start } = out;
    out.bytes.set(this.#image, start);
    for (const span of this.#spans) {
      const at = start + span.at;
      writeTraceId(view, at + HEAD.traceId, ids, 0);
      writeSpanId(view, at + HEAD.spanId, ids, 4 + 2 * span.index);
      time.write(view, at + HEAD.startTime, times[2 * span.index]!);
      time.writeEnd(view, at + HEAD.endTime, times[2 * span.index]!, times[2 * span.index + 1]!);
      if (span.parentAt !== NO_PARENT) writeSpanId(view, at + HEAD.parentSpanId, ids, span.parentAt);
    }
    for (const number of this.#numbers) writeNumber(view, start + number.at, number.type, numbers[number.index]!);
    out.at = start + this.#image.length;
    out.spans += this.#spans.length;
    out.traces += this.#traces;
  }

  refuse(): void {
    this.out.refused += this.#spans.length;
  }
}

function writeNumber(view: DataView, at: number, type: NumberType, value: number): void {
  if (type === 'int') writePaddedInt(view, at, value);
  else if (type === 'double') view.setFloat64(at, value, true);
  else view.setUint8(at, value === 0 ? 0 : 1);
}
