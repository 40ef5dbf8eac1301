import { showExtras } from '../records/expand/entries.ts';
import type { UnitFacts } from '../records/expand/expansion.ts';
import { EMPTY_TEXT, type RecordSource, slice, stringOf } from '../records/expand/record-source.ts';
import type { SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { encodeTh, NO_THRESHOLD } from '../sampling/probability.ts';
import { passedOn, withThreshold } from '../sampling/trace-state.ts';

/** A budget moves the threshold every second. */
const MAX_CACHED = 256;
const HEAD = KEEP_REASON_INDEX.head + 1;

/**
 * The `tracestate` of what is exported. A trace that our rate chose says by which probability (`ot=th:…`); one that a caller
 * chose goes on as the caller has it; of one that is kept for what happened to it, nobody knows how probable it was.
 */
export class TraceStates {
  readonly #source: RecordSource;
  readonly #sent = new SentTraceState();
  /** By threshold, of traces that came without one. */
  readonly #own = new Map<number, TextSlice>();

  constructor(source: RecordSource) {
    this.#source = source;
  }

  /** For a trace that is kept; empty: none. `reason`: index in KEEP_REASONS plus one. */
  of({ threshold, extra, head }: UnitFacts, reason: number): TextSlice {
    const sent = extra === 0 ? '' : this.#sentIn(extra);
    const isByRate = reason === HEAD && threshold !== NO_THRESHOLD;
    if (sent === '') return isByRate ? this.#ownState(threshold) : EMPTY_TEXT;
    if (isByRate) return slice(withThreshold(sent, encodeTh(threshold)));
    return slice(head && threshold === NO_THRESHOLD ? passedOn(sent) : withThreshold(sent, undefined));
  }

  #ownState(threshold: number): TextSlice {
    const known = this.#own.get(threshold);
    if (known !== undefined) return known;
    const state = slice(withThreshold('', encodeTh(threshold)));
    if (this.#own.size >= MAX_CACHED) this.#own.clear();
    this.#own.set(threshold, state);
    return state;
  }

  #sentIn(extra: number): string {
    this.#sent.found = EMPTY_TEXT;
    showExtras(this.#source, extra, this.#sent);
    return stringOf(this.#sent.found);
  }
}

const ignored = (): void => undefined;

/** Looks for the one entry among those of an EXTRA. */
class SentTraceState implements SpanVisitor {
  found: TextSlice = EMPTY_TEXT;
  readonly begin = ignored;
  readonly text = ignored;
  readonly number = ignored;
  readonly textItem = ignored;
  readonly link = ignored;
  readonly dropped = ignored;
  readonly fail = ignored;
  readonly exception = ignored;
  readonly end = ignored;

  traceState(value: TextSlice): void {
    this.found = value;
  }
}
