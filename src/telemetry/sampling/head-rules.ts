import { addressBlock } from '../../base/address-block.ts';
import { assert } from '../../base/errors.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import { namePattern } from './name-pattern.ts';
import type { TracePacket } from './trace-facts.ts';

/** As the configuration has it (`telemetry.sampling.rules`); what is left out holds for all. */
export interface HeadRule {
  /** `*` stands for any characters. */
  readonly clientId?: string | undefined;
  /** Topic filter. */
  readonly topic?: string | undefined;
  readonly user?: string | undefined;
  /** IP address or CIDR block. */
  readonly address?: string | undefined;
  readonly packet?: TracePacket | undefined;
  readonly rate: number;
}

export interface HeadFacts {
  readonly clientId: string;
  readonly user: string | undefined;
  readonly address: string;
  readonly packet: TracePacket;
  /** Undefined for packets without one: no rule that names a topic fits them. */
  readonly topic: string | undefined;
}

/** The rate at which traces are chosen at the head. Whoever asks for every message caches the answer. */
export interface HeadRules {
  /** Of the rules: a cached answer of another version is out of date. */
  readonly version: number;
  readonly hasRules: boolean;
  /** Of the first rule that fits, or the rate of all others. */
  rateFor(facts: HeadFacts): number;
}

/** The configuration has been checked: an address that is none is a bug. */
export function compileHeadRules(
  { rate, rules }: { readonly rate: number; readonly rules: readonly HeadRule[] },
  version = 1,
): HeadRules {
  const compiled = rules.map((rule) => ({ fits: compile(rule), rate: rule.rate }));
  return {
    version,
    hasRules: rules.length > 0,
    rateFor: (facts) => compiled.find(({ fits }) => fits(facts))?.rate ?? rate,
  };
}

function compile({ clientId, topic, user, address, packet }: HeadRule): (facts: HeadFacts) => boolean {
  const isClient = clientId === undefined ? undefined : namePattern(clientId);
  const isFrom = address === undefined ? undefined : addressBlock(address);
  assert(address === undefined || isFrom !== undefined, `${address} is an IP address or a CIDR block`);
  return (facts) =>
    (packet === undefined || packet === facts.packet) &&
    (user === undefined || user === facts.user) &&
    (isClient === undefined || isClient(facts.clientId)) &&
    (topic === undefined || (facts.topic !== undefined && topicMatches(topic, facts.topic))) &&
    (isFrom === undefined || isFrom(facts.address));
}
