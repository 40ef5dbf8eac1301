import { KeepBudget } from './keep-budget.ts';
import { type BudgetedReason, KEEP_REASON_INDEX, KEEP_REASONS, type KeepReason } from './keep-reason.ts';
import { SlowTopics } from './slow-topics.ts';
import { TRACE_PACKETS, type TraceFacts } from './trace-facts.ts';
import type { WatchRules } from './watch-rules.ts';

/** As the configuration has them (`telemetry.sampling`). */
export interface KeepOptions {
  /** Slower than this; 0: no such threshold. */
  readonly slowThresholdMs: number;
  /** Slower than this quantile of the topic's own; 0: no such threshold. */
  readonly slowQuantile: number;
  readonly keepErrors: boolean;
  readonly keepDropped: boolean;
  /** Sent again more often than this. */
  readonly keepRedeliveredAfter: number;
  /** Traces a second over the reasons above; 0: no limit. */
  readonly maxKeptPerSecond: number;
}

/** Traces by KEEP_REASON_INDEX; may lie in memory that other threads read. */
export interface KeepCounts {
  readonly kept: Float64Array;
  /** Would have been kept for this reason, but for its budget. */
  readonly notKept: Float64Array;
}

export const newKeepCounts = (): KeepCounts => ({
  kept: new Float64Array(KEEP_REASONS.length),
  notKept: new Float64Array(KEEP_REASONS.length),
});

const FIRST_AFTERWARDS = KEEP_REASON_INDEX.dropped;
const AFTERWARDS = KEEP_REASON_INDEX.watch - FIRST_AFTERWARDS;
const PUBLISH = TRACE_PACKETS.indexOf('publish');
const DELIVERY = TRACE_PACKETS.indexOf('delivery');

/**
 * Decides afterwards which traces leave the process: on the exporter's thread, for every record. A trace of several records
 * is kept when one of them is; whoever reads them asks `decide` until then, and `observe` for the rest.
 */
export class KeepPolicy {
  readonly #options: KeepOptions;
  readonly #watches: WatchRules;
  readonly #counts: KeepCounts;
  readonly #budget: KeepBudget | undefined;
  readonly #topics: SlowTopics | undefined;
  readonly #slowThresholdMs: number;
  /** Of the last decision: the reason for which it would have been another, but for its budget. */
  #refused: BudgetedReason | undefined;

  /** `now`: Unix milliseconds. */
  constructor(options: KeepOptions, watches: WatchRules, counts: KeepCounts, now: number) {
    const { maxKeptPerSecond, slowQuantile, slowThresholdMs } = options;
    this.#options = options;
    this.#watches = watches;
    this.#counts = counts;
    this.#budget = maxKeptPerSecond > 0 ? new KeepBudget(maxKeptPerSecond, AFTERWARDS, now) : undefined;
    this.#topics = slowQuantile > 0 ? new SlowTopics({ quantile: slowQuantile }) : undefined;
    this.#slowThresholdMs = slowThresholdMs > 0 ? slowThresholdMs : Number.POSITIVE_INFINITY;
  }

  /** Why the record's traces are kept, by the first reason in the order of KEEP_REASONS; undefined: they are not. */
  decide(facts: TraceFacts, now: number): KeepReason | undefined {
    const isSlow = this.#isSlow(facts, now);
    // Watched traces are counted, whatever they are kept for.
    const isWatched = !this.#watches.isEmpty && this.#watches.matches(facts, now);
    this.#refused = undefined;
    const reason = this.#atHead(facts) ?? this.#afterwards(facts, isSlow, isWatched, now);
    if (reason !== undefined) this.#counts.kept[KEEP_REASON_INDEX[reason]]! += facts.traces;
    return reason;
  }

  /** While nothing is watched: a decision that takes from no budget goes for more traces of which the facts are the same. */
  isSettled(reason: KeepReason | undefined): boolean {
    return reason === undefined || reason === 'head' || reason === 'forced';
  }

  /** So many more (`facts.traces`) of the traces decided on last, where that is settled. */
  decideAgain(facts: TraceFacts, reason: KeepReason | undefined, now: number): void {
    this.#isSlow(facts, now);
    if (reason !== undefined) this.#counts.kept[KEEP_REASON_INDEX[reason]]! += facts.traces;
    else if (this.#refused !== undefined) this.#counts.notKept[KEEP_REASON_INDEX[this.#refused]]! += facts.traces;
  }

  /** For a record of traces that are kept already: it shows how long its topic's messages take, and may be what is watched. */
  observe(facts: TraceFacts, now: number): void {
    this.#isSlow(facts, now);
    if (!this.#watches.isEmpty) this.#watches.matches(facts, now);
  }

  #atHead({ headSampled, forced }: TraceFacts): KeepReason | undefined {
    if (headSampled) return 'head';
    return forced ? 'forced' : undefined;
  }

  #afterwards(facts: TraceFacts, isSlow: boolean, isWatched: boolean, now: number): KeepReason | undefined {
    const { keepErrors, keepDropped, keepRedeliveredAfter } = this.#options;
    let refused: BudgetedReason | undefined;
    // What was dropped has failed too, but a storm of it must leave errors their share.
    if (keepDropped && facts.dropped) {
      if (this.#mayKeep('dropped', facts, now)) return 'dropped';
      refused = 'dropped';
    } else if (keepErrors && facts.failed) {
      if (this.#mayKeep('error', facts, now)) return 'error';
      refused = 'error';
    }
    if (facts.redeliveries > keepRedeliveredAfter) {
      if (this.#mayKeep('redelivered', facts, now)) return 'redelivered';
      refused ??= 'redelivered';
    }
    if (isSlow) {
      if (this.#mayKeep('slow', facts, now)) return 'slow';
      refused ??= 'slow';
    }
    if (isWatched) return 'watch';
    if (refused !== undefined) this.#counts.notKept[KEEP_REASON_INDEX[refused]]! += facts.traces;
    this.#refused = refused;
    return undefined;
  }

  #mayKeep(reason: BudgetedReason, { traces }: TraceFacts, now: number): boolean {
    return this.#budget?.take(KEEP_REASON_INDEX[reason] - FIRST_AFTERWARDS, traces, now) ?? true;
  }

  /** Publishing and delivering are compared apart: each with what it usually takes on the topic. */
  #isSlow({ packet, topicKey, durationMs, traces }: TraceFacts, now: number): boolean {
    let isSlow = durationMs > this.#slowThresholdMs;
    const isOfTopic = topicKey >= 0 && (packet === PUBLISH || packet === DELIVERY);
    if (this.#topics !== undefined && isOfTopic) {
      const key = topicKey * 2 + (packet === DELIVERY ? 1 : 0);
      // Asked in any case: the topic's usual is known by all its messages.
      if (this.#topics.isSlow(key, durationMs, traces, now)) isSlow = true;
    }
    return isSlow;
  }
}
