import type { UnitFacts } from '../records/expand/expansion.ts';
import type { KeepPolicy } from '../sampling/keep-policy.ts';
import { KEEP_REASON_INDEX, KEEP_REASONS } from '../sampling/keep-reason.ts';
import type { WatchRules } from '../sampling/watch-rules.ts';
import type { FactsOfRecord } from './facts-of-record.ts';
import type { Decisions, Reason } from './trace-collector.ts';

/** What the policy says of records. */
export class PolicyDecisions implements Decisions {
  readonly #policy: KeepPolicy;
  readonly #facts: FactsOfRecord;
  readonly #watches: WatchRules;
  readonly #mayKeep: boolean;

  /** `mayKeep`: false where nothing leaves the process; what is watched is shown all the same. */
  constructor(policy: KeepPolicy, facts: FactsOfRecord, watches: WatchRules, mayKeep: boolean) {
    this.#policy = policy;
    this.#facts = facts;
    this.#watches = watches;
    this.#mayKeep = mayKeep;
  }

  get isWatching(): boolean {
    return !this.#watches.isEmpty;
  }

  watchedBy(): readonly string[] {
    return this.#watches.takeMatched();
  }

  decide(unit: UnitFacts, traces: number, trace: Uint32Array | undefined): Reason {
    const facts = this.#facts.fill(unit, traces, trace);
    if (!this.#mayKeep) {
      this.#policy.observe(facts, unit.endedAt);
      return 0;
    }
    const reason = this.#policy.decide(facts, unit.endedAt);
    return reason === undefined ? 0 : KEEP_REASON_INDEX[reason] + 1;
  }

  isSettled(reason: Reason): boolean {
    return this.#policy.isSettled(KEEP_REASONS[reason - 1]);
  }

  decideAgain(unit: UnitFacts, traces: number, reason: Reason): void {
    const facts = this.#facts.fill(unit, traces, undefined);
    if (this.#mayKeep) this.#policy.decideAgain(facts, KEEP_REASONS[reason - 1], unit.endedAt);
    else this.#policy.observe(facts, unit.endedAt);
  }

  observe(unit: UnitFacts, traces: number, trace: Uint32Array | undefined): void {
    this.#policy.observe(this.#facts.fill(unit, traces, trace), unit.endedAt);
  }
}
