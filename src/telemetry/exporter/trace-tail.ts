import type { UnitFacts } from '../records/expand/expansion.ts';
import { traceIdOf } from '../trace-context.ts';
import { type ServiceNamer, type TraceDocument, toTraceDocument } from '../trace-document.ts';
import type { TracePlace } from './newest-places.ts';
import { QuietTraces } from './quiet-traces.ts';
import type { UnitListener } from './trace-collector.ts';
import { type TraceFilter, TraceMatcher } from './trace-filter.ts';
import type { TraceSearch } from './trace-search.ts';

const QUIET_MS = 300;
const MAX_PENDING_TRACES = 5000;
const MAX_TRACES_A_TICK = 50;

interface Follower {
  readonly id: number;
  /** Id of a watch rule; undefined: of all traces. */
  readonly watch: string | undefined;
  readonly matcher: TraceMatcher;
  readonly quiet: QuietTraces;
  readonly places: Map<string, TracePlace>;
}

export interface TailEvents {
  trace(id: number, trace: TraceDocument): void;
  skipped(id: number, count: number): void;
}

/** Shows traces to who follows them, each once nothing more comes for it; what is too many is counted. */
export class TraceTail implements UnitListener {
  readonly #search: () => TraceSearch;
  readonly #serviceName: ServiceNamer;
  readonly #events: TailEvents;
  readonly #now: () => number;
  #followers: Follower[] = [];

  constructor(search: () => TraceSearch, serviceName: ServiceNamer, events: TailEvents, now: () => number) {
    this.#search = search;
    this.#serviceName = serviceName;
    this.#events = events;
    this.#now = now;
  }

  get wantsUnits(): boolean {
    return this.#followers.length > 0;
  }

  follow(id: number, filter: TraceFilter): void {
    const quiet = new QuietTraces(QUIET_MS, MAX_PENDING_TRACES);
    const matcher = new TraceMatcher(filter);
    this.#followers.push({ id, watch: filter.watch, matcher, quiet, places: new Map() });
  }

  unfollow(id: number): void {
    this.#followers = this.#followers.filter((follower) => follower.id !== id);
  }

  unitRead(facts: UnitFacts, position: number, unit: number, trace: Uint32Array, watchedBy: readonly string[]): void {
    const now = this.#now();
    const key = traceIdOf(new Uint8Array(trace.buffer, trace.byteOffset, trace.byteLength));
    for (const { watch, matcher, quiet, places } of this.#followers) {
      const isPending = places.has(key);
      const isWatched = watch === undefined || watchedBy.includes(watch);
      const isWanted = isWatched && this.#search().judge(matcher, facts) !== 'no';
      // What belongs to a trace that is to be shown puts that off, whatever else it is.
      if (isWanted || isPending) quiet.spanEnded(key, now);
      if (isWanted && !isPending && places.size < MAX_PENDING_TRACES)
        places.set(key, { trace: trace.slice(), position, unit });
    }
  }

  /** Now and then: tells of what has become quiet. */
  tick(): void {
    for (const { id, matcher, quiet, places } of this.#followers) {
      const skipped = quiet.takeSkipped();
      if (skipped > 0) this.#events.skipped(id, skipped);
      for (const key of quiet.take(this.#now(), MAX_TRACES_A_TICK)) {
        const place = places.get(key);
        places.delete(key);
        const spans = place && this.#search().wanted(matcher, place);
        if (spans !== undefined) this.#events.trace(id, toTraceDocument(spans, this.#serviceName));
      }
    }
  }
}
