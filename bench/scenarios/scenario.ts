import type { RunningBroker } from '../brokers/broker.ts';

export interface Timing {
  /** Load without measuring, so that caches, compilers and windows settle. */
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** Loads the broker, verifies what it did (throws when it broke a promise), and leaves no connection behind. */
  run(broker: RunningBroker, timing: Timing): Promise<Measurement>;
}

/** What one run of a scenario against one broker showed. */
export interface Measurement {
  /** Messages delivered, or connections made. */
  readonly operations: number;
  readonly elapsedMs: number;
  /** Of all threads but the one that exports traces. */
  readonly brokerCpuMs: number;
  readonly mainThreadCpuMs: number;
  readonly exporterCpuMs: number;
  /** Near `elapsedMs`, the generator was the limit and the broker could do more. */
  readonly generatorCpuMs: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Of the broker, at the end. */
  readonly residentBytes: number;
  /** What each open connection added to the resident memory; only where that was the question. */
  readonly bytesPerConnection: number | undefined;
  /** Messages published in the whole run, warm-up included; undefined where none are. */
  readonly published: number | undefined;
  /** Of an open loop: messages a second that were to be published, and that were while measuring. */
  readonly offered: { readonly perSecond: number; readonly reachedPerSecond: number } | undefined;
  /** QoS 0 messages that did not arrive; anything worse fails the run. */
  readonly lost: number;
}

/** Of a scenario that is about connections. */
export const NO_MESSAGES = { published: undefined, offered: undefined, lost: 0 } as const;
