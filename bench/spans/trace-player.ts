import type { AttributeDefinition } from '../../src/telemetry/catalogue.ts';
import type { TracePatch } from '../../src/telemetry/otlp/trace-patch.ts';
import type { SpanVisitor, TextSlice } from '../../src/telemetry/records/span-visitor.ts';
import { MESSAGE_TRACE, type TraceSpan, type TraceValue } from './message-trace.ts';

type Played =
  | { readonly type: 'text'; readonly attribute: AttributeDefinition; readonly text: TextSlice }
  | { readonly type: 'number'; readonly attribute: AttributeDefinition; readonly of: (n: number) => number };

const TRACE_WORDS = 4;
const ID_WORDS = 2;

/** Shows message traces to visitors as the reader of the ring does: nothing is allocated for one. */
export class TracePlayer {
  readonly #spans = MESSAGE_TRACE.map((span) => ({ ...span, played: span.attributes.map(played) }));
  readonly #varying = MESSAGE_TRACE.flatMap(varyingOf);
  readonly #identity = { words: new Uint32Array(8), isParentRemote: false, isEntry: false };
  readonly #patch: TracePatch = {
    ids: new Uint32Array(TRACE_WORDS + ID_WORDS * MESSAGE_TRACE.length),
    times: new Float64Array(2 * MESSAGE_TRACE.length),
    numbers: new Float64Array(this.#varying.length),
  };
  readonly spansEach = MESSAGE_TRACE.length;
  /** The attributes that differ from message to message. */
  readonly varying: readonly AttributeDefinition[] = this.#varying.map(([attribute]) => attribute);

  /** The trace of the n-th message, which came `at` (Unix milliseconds). */
  show(visitor: SpanVisitor, n: number, at: number): void {
    const { ids } = this.#identify(n);
    const identity = this.#identity;
    const { words } = identity;
    words.set(ids.subarray(0, TRACE_WORDS));
    for (const [index, span] of this.#spans.entries()) {
      const parent = span.parent === undefined ? -1 : TRACE_WORDS + ID_WORDS * span.parent;
      words[4] = ids[TRACE_WORDS + ID_WORDS * index]!;
      words[5] = ids[TRACE_WORDS + ID_WORDS * index + 1]!;
      words[6] = parent === -1 ? 0 : ids[parent]!;
      words[7] = parent === -1 ? 0 : ids[parent + 1]!;
      identity.isEntry = parent === -1;
      visitor.begin(span.definition, identity, at + span.startMs, at + span.endMs);
      for (const attribute of span.played) {
        if (attribute.type === 'text') visitor.text(attribute.attribute, attribute.text);
        else visitor.number(attribute.attribute, attribute.of(n));
      }
      visitor.end();
    }
  }

  /** What the n-th message's trace has of its own; good until the next call. */
  patch(n: number, at: number): TracePatch {
    const patch = this.#identify(n);
    const { times, numbers } = patch;
    for (let index = 0; index < MESSAGE_TRACE.length; index += 1) {
      const { startMs, endMs } = this.#spans[index]!;
      times[2 * index] = at + startMs;
      times[2 * index + 1] = at + endMs;
    }
    for (let index = 0; index < this.#varying.length; index += 1) numbers[index] = this.#varying[index]![1](n);
    return patch;
  }

  /** Ids that no other message has: as cheap as they can be, since this is not what is measured. */
  #identify(n: number): TracePatch {
    const { ids } = this.#patch;
    for (let word = 0; word < TRACE_WORDS; word += 1) ids[word] = Math.imul(n + 1, 0x9e37_79b1 + 2 * word);
    for (let word = TRACE_WORDS; word < ids.length; word += ID_WORDS) {
      ids[word] = ids[1]! ^ 0x5bd1_e995;
      ids[word + 1] = (ids[2]! & 0x00ff_ffff) | (word << 24);
    }
    return this.#patch;
  }
}

function played([attribute, value]: TraceSpan['attributes'][number]): Played {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return { type: 'text', attribute, text: { bytes, start: 0, end: bytes.length } };
  }
  return { type: 'number', attribute, of: typeof value === 'function' ? value : () => Number(value) };
}

function varyingOf({ attributes }: TraceSpan): (readonly [AttributeDefinition, (n: number) => number])[] {
  return attributes.flatMap(([attribute, value]: readonly [AttributeDefinition, TraceValue]) =>
    typeof value === 'function' ? [[attribute, value] as const] : [],
  );
}
