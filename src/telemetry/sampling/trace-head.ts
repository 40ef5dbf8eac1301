import { compileHeadRules, type HeadFacts, type HeadRule, type HeadRules } from './head-rules.ts';
import { HeadSampler } from './head-sampler.ts';
import { thresholdOfRate } from './probability.ts';
import type { TracePacket } from './trace-facts.ts';

export interface TraceHeadOptions {
  /** Of all traces that no rule is about. */
  readonly rate: number;
  readonly rules?: readonly HeadRule[] | undefined;
  readonly followParent: boolean;
  /** 0: no limit. */
  readonly maxTracesPerSecond?: number | undefined;
}

/** Whom a trace is of, as far as that is known when it begins. */
export interface TraceOrigin {
  readonly clientId: string;
  /** Empty: none. Of a CONNECT: the name it claims. */
  readonly userName: string;
  /** IP address. Empty: not connected. */
  readonly remoteAddress: string;
}

/** The answer about a publisher's last topic, which it keeps: most clients publish to one. */
export interface HeadMemory {
  topic: { readonly name: string } | undefined;
  version: number;
  threshold: number;
}

export const headMemory = (): HeadMemory => ({ topic: undefined, version: 0, threshold: 0 });

const NOBODY: TraceOrigin = { clientId: '', userName: '', remoteAddress: '' };

/** What decides about traces that begin in this process: the rates, by rule, and the sampler that compares with them. */
export class TraceHead {
  readonly sampler: HeadSampler;
  /** Of the rate for which no rule is needed. */
  readonly threshold: number;
  readonly #rules: HeadRules;
  readonly #facts: { -readonly [Key in keyof HeadFacts]: HeadFacts[Key] } = {
    clientId: '',
    user: undefined,
    address: '',
    packet: 'other',
    topic: undefined,
  };

  constructor({ rate, rules = [], followParent, maxTracesPerSecond = 0 }: TraceHeadOptions) {
    this.sampler = new HeadSampler({ followParent, maxTracesPerSecond });
    this.threshold = thresholdOfRate(rate);
    this.#rules = compileHeadRules({ rate, rules });
  }

  /** The threshold of the rate for a trace that begins so. */
  thresholdFor(packet: TracePacket, origin: TraceOrigin = NOBODY, topic?: string): number {
    if (!this.#rules.hasRules) return this.threshold;
    const facts = this.#facts;
    facts.clientId = origin.clientId;
    facts.user = origin.userName === '' ? undefined : origin.userName;
    facts.address = origin.remoteAddress;
    facts.packet = packet;
    facts.topic = topic;
    return thresholdOfRate(this.#rules.rateFor(facts));
  }

  /** The same for a PUBLISH, of which there are many. */
  thresholdOfPublish(memory: HeadMemory, origin: TraceOrigin, topic: { readonly name: string }): number {
    if (!this.#rules.hasRules) return this.threshold;
    if (memory.topic !== topic || memory.version !== this.#rules.version) {
      memory.threshold = this.thresholdFor('publish', origin, topic.name);
      memory.topic = topic;
      memory.version = this.#rules.version;
    }
    return memory.threshold;
  }
}
