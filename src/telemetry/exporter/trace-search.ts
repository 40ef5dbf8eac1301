import type { FinishedSpan } from '../finished-span.ts';
import type { Expander } from '../records/expand/expander.ts';
import { emptyFacts, type UnitFacts } from '../records/expand/expansion.ts';
import { stringOf } from '../records/expand/record-source.ts';
import { FinishedSpanBuilder } from '../records/finished-span-builder.ts';
import { ownBlock, type RecordBlock, type RingReader } from '../ring/ring-reader.ts';
import { NewestPlaces, type TracePlace } from './newest-places.ts';
import type { TraceCollector } from './trace-collector.ts';
import {
  type Likelihood,
  type Participant,
  participantIn,
  type TraceFilter,
  type TraceKnowledge,
  TraceMatcher,
  topicsIn,
} from './trace-filter.ts';

/** Candidates looked at for one question: those that a record alone shows to be wanted, and those that the whole may show. */
const MAX_LIKELY = 4096;
const MAX_POSSIBLE = 1024;

/** A trace as far as it lies in the ring. */
interface FoundTrace {
  readonly spans: readonly FinishedSpan[];
  readonly participants: readonly Participant[];
}

/** Finds traces where they lie in the ring, newest first: those that were exported as well as all others. */
export class TraceSearch {
  readonly #reader: RingReader;
  readonly #expander: Expander;
  readonly #collector: TraceCollector;
  readonly #facts = emptyFacts();
  readonly #partFacts = emptyFacts();
  readonly #builder = new FinishedSpanBuilder();

  /** A reader of its own: it goes through the whole ring. The expander reads by it; the collector knows what belongs together. */
  constructor(reader: RingReader, expander: Expander, collector: TraceCollector) {
    this.#reader = reader;
    this.#expander = expander;
    this.#collector = collector;
  }

  /** The spans of traces that match, each trace once, newest first. */
  find(filter: TraceFilter, limit: number): (readonly FinishedSpan[])[] {
    const matcher = new TraceMatcher(filter);
    const seen = new Set<string>();
    const found: (readonly FinishedSpan[])[] = [];
    for (const place of this.#candidates(matcher)) {
      const key = place.trace.join();
      if (seen.has(key)) continue;
      seen.add(key);
      const spans = this.wanted(matcher, place);
      if (spans !== undefined) found.push(spans);
      if (found.length === limit) break;
    }
    return found;
  }

  /** The spans of the trace that was met at a place, if it is wanted as a whole. */
  wanted(matcher: TraceMatcher, place: TracePlace): readonly FinishedSpan[] | undefined {
    const trace = this.#traceAt(place);
    return trace.spans.length > 0 && matcher.matches(knowledgeOf(trace)) ? trace.spans : undefined;
  }

  /** All spans of a trace that lie in the ring; none if it is not there. */
  show(trace: Uint32Array): readonly FinishedSpan[] {
    const { spans } = this.#traceAt({ trace, position: -1, unit: 0 });
    if (spans.length > 0) return spans;
    // Runs are in no index.
    const places = new NewestPlaces(1);
    this.#scan((_facts, unit, words) => {
      if (words.every((word, index) => word === trace[index])) places.add(this.#reader.position, unit, words);
      return false;
    });
    const [place] = places.newestFirst;
    return place === undefined ? [] : this.#traceAt(place).spans;
  }

  /** What a unit that was just read says of its trace. */
  judge(matcher: TraceMatcher, facts: UnitFacts): Likelihood {
    return matcher.judge({
      failed: facts.failed,
      startedAt: facts.startedAt,
      endedAt: facts.endedAt,
      participants: () => this.#participant(facts),
      topics: () => (facts.topic === 0 ? [] : [this.#expander.source.string(facts.topic)]),
    });
  }

  /** When the oldest span began that still lies in the ring, in Unix milliseconds; undefined where there is none. */
  oldestAt(): number | undefined {
    let oldest: number | undefined;
    this.#scan((facts) => {
      oldest = facts.startedAt;
      return true;
    });
    return oldest;
  }

  #candidates(matcher: TraceMatcher): readonly TracePlace[] {
    const likely = new NewestPlaces(MAX_LIKELY);
    const possible = new NewestPlaces(MAX_POSSIBLE);
    this.#scan((facts, unit, trace) => {
      const likelihood = this.judge(matcher, facts);
      if (likelihood === 'no') return false;
      (likelihood === 'likely' ? likely : possible).add(this.#reader.position, unit, trace);
      return false;
    });
    return [...likely.newestFirst, ...possible.newestFirst].sort((a, b) => b.position - a.position || b.unit - a.unit);
  }

  /** Goes through all units from the oldest to the newest, or until the visitor says that it has enough. */
  #scan(visit: (facts: UnitFacts, unit: number, trace: Uint32Array) => boolean | undefined): void {
    const reader = this.#reader;
    const trace = new Uint32Array(4);
    reader.rewind();
    for (let at = reader.next(); at >= 0; at = reader.next()) {
      const { block } = reader;
      const expansion = this.#expander.of(block, at);
      const units = expansion?.units(block, at) ?? 0;
      for (let unit = 0; unit < units; unit += 1) {
        expansion!.facts(block, at, unit, this.#facts);
        expansion!.trace(block, at, unit, trace);
        if (visit(this.#facts, unit, trace)) return;
      }
      reader.advance(0);
    }
  }

  #participant({ client, clientId, user, address }: UnitFacts): readonly Participant[] {
    const { source } = this.#expander;
    if (client !== 0) {
      const known = source.client(client);
      return [{ clientId: stringOf(known.clientId), user: stringOf(known.user), address: stringOf(known.address) }];
    }
    if (clientId === 0 && address === 0 && user === 0) return [];
    return [{ clientId: source.string(clientId), user: source.string(user), address: source.string(address) }];
  }

  #traceAt({ trace, position, unit }: TracePlace): FoundTrace {
    const participants: Participant[] = [];
    const show = (block: RecordBlock, part: number): void => {
      // Not the collector's expansion: that one tells of clients what may leave the process.
      const expansion = this.#expander.of(block, 0)!;
      expansion.facts(block, 0, part, this.#partFacts);
      participants.push(...this.#participant(this.#partFacts));
      expansion.show(block, 0, part, this.#builder);
      if (part === 0 && expansion.sharedSpans(block, 0) > 0) expansion.showShared(block, 0, part, this.#builder);
    };
    this.#collector.eachPart(trace, show);
    if (position >= 0 && this.#reader.copy(position)) {
      const block = ownBlock(this.#reader.copied);
      const expansion = this.#expander.of(block, 0);
      if (expansion?.isUniform === true && unit < expansion.units(block, 0)) show(block, unit);
    }
    return { spans: this.#builder.take(), participants };
  }
}

function knowledgeOf({ spans, participants }: FoundTrace): TraceKnowledge {
  return {
    failed: spans.some(({ failure }) => failure !== null),
    startedAt: spans.reduce((first, span) => Math.min(first, span.startedAt), Number.POSITIVE_INFINITY),
    endedAt: spans.reduce((last, span) => Math.max(last, span.endedAt), 0),
    participants: () => [...participants, ...spans.map(participantIn)],
    topics: () => spans.flatMap(topicsIn),
  };
}
