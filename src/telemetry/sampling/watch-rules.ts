import { addressBlock } from '../../base/address-block.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import { namePattern } from './name-pattern.ts';
import type { TraceFacts } from './trace-facts.ts';

/** How many there may be at once: every record is compared with each. */
export const MAX_WATCH_RULES = 64;
export const MAX_WATCH_SECONDS = 7 * 86_400;
export const MAX_WATCH_TRACES = 1_000_000;

/** Traces an operator wants to see, whatever else decides: plain data, which goes to the exporter's thread as it is. */
export interface WatchRule {
  readonly id: string;
  /** `*` stands for any characters. */
  readonly clientId?: string | undefined;
  /** Topic filter. */
  readonly topic?: string | undefined;
  readonly user?: string | undefined;
  /** IP address or CIDR block. */
  readonly address?: string | undefined;
  readonly minDurationMs?: number | undefined;
  readonly errorsOnly?: boolean | undefined;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** It ends after so many traces. */
  readonly limit: number;
  /** Traces so far, over all nodes. */
  readonly kept: number;
}

export interface WatchCount {
  readonly id: string;
  readonly traces: number;
}

/** Of one rule: a trace has several records, which come soon after each other. */
const TRACES_REMEMBERED = 4096;

interface ActiveRule {
  rule: WatchRule;
  readonly fits: (facts: TraceFacts) => boolean;
  /** What `rule.kept` was when it came here first, and how many have been kept here since. */
  readonly keptBefore: number;
  keptHere: number;
  told: number;
  /** Ids of traces that were counted, oldest first. */
  readonly counted: Set<string>;
}

/**
 * The rules set while running, as the exporter's thread asks them. A rule ends when it expires or has had its limit; the
 * record with which it reaches that is kept whole. Its traces are counted whatever else they were kept for.
 */
export class WatchRules {
  #active: ActiveRule[] = [];
  #matched: string[] = [];

  get isEmpty(): boolean {
    return this.#active.length === 0;
  }

  /** The rules there are now; those that were there before go on counting. */
  replace(rules: readonly WatchRule[]): void {
    const before = new Map(this.#active.map((active) => [active.rule.id, active]));
    this.#active = rules.slice(0, MAX_WATCH_RULES).map((rule) => {
      const active = before.get(rule.id);
      if (active === undefined)
        return { rule, fits: compile(rule), keptBefore: rule.kept, keptHere: 0, told: 0, counted: new Set() };
      active.rule = rule;
      return active;
    });
  }

  /** Whether one of them fits; counts the traces for each that does, and each trace once. */
  matches(facts: TraceFacts, now: number): boolean {
    let isWatched = false;
    this.#matched = [];
    for (const active of this.#active) {
      if (hasEnded(active, now) || !active.fits(facts)) continue;
      isWatched = true;
      if (isCounted(active, facts.traceId?.())) continue;
      active.keptHere += facts.traces;
      this.#matched.push(active.rule.id);
    }
    return isWatched;
  }

  /** Ids of the rules that counted what they were asked about last; none if they have not been asked since the last call. */
  takeMatched(): readonly string[] {
    const matched = this.#matched;
    if (matched.length > 0) this.#matched = [];
    return matched;
  }

  /** What was counted since the last call. */
  takeCounts(): readonly WatchCount[] {
    const counts: WatchCount[] = [];
    for (const active of this.#active) {
      if (active.keptHere === active.told) continue;
      counts.push({ id: active.rule.id, traces: active.keptHere - active.told });
      active.told = active.keptHere;
    }
    return counts;
  }
}

/** Remembers the trace, too. */
function isCounted({ counted }: ActiveRule, traceId: string | undefined): boolean {
  if (traceId === undefined) return false;
  if (counted.has(traceId)) return true;
  counted.add(traceId);
  if (counted.size > TRACES_REMEMBERED) counted.delete(counted.values().next().value!);
  return false;
}

/** What other nodes counted shows in `rule.kept`, some time after what was counted here. */
function hasEnded({ rule, keptBefore, keptHere }: ActiveRule, now: number): boolean {
  return now >= rule.expiresAt || Math.max(rule.kept, keptBefore + keptHere) >= rule.limit;
}

/** What costs nothing to know is asked first. A block that is none fits nobody. */
function compile(rule: WatchRule): (facts: TraceFacts) => boolean {
  const { clientId, topic, user, address, minDurationMs = 0, errorsOnly = false } = rule;
  const isClient = clientId === undefined ? undefined : namePattern(clientId);
  const isFrom = address === undefined ? undefined : (addressBlock(address) ?? (() => false));
  return (facts) =>
    facts.durationMs >= minDurationMs &&
    (!errorsOnly || facts.failed) &&
    (isClient === undefined || isClient(facts.clientId())) &&
    (topic === undefined || coversTopic(topic, facts.topic())) &&
    (user === undefined || user === facts.user()) &&
    (isFrom === undefined || isFrom(facts.address()));
}

const coversTopic = (filter: string, topic: string): boolean => topic !== '' && topicMatches(filter, topic);
