import { copyWords } from '../ring/copy-words.ts';
import { MAX_RECORD_WORDS } from '../ring/ring-memory.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import type { HeadSampler } from '../sampling/head-sampler.ts';
import { NO_THRESHOLD } from '../sampling/probability.ts';
import { RECORD } from './record-kinds.ts';
import type { TraceIds } from './trace-ids.ts';

/*
 * RUN := u1 messages; f1 number of the first identity (trace-ids.ts); f2 received at; f3 admitted at; f4 pushed at;
 *        u10 client; u11 access rule; u12 open connections; u13 subscribers pushed to; u14 of these listed (at most 32);
 *        u15 threshold of the head sampler; u16 subscriptions that matched; u17 of the subscribers not listed: failed;
 *        u18 groups of messages, 0: none; u19 0; for each listed subscriber one word: u client, u 1 if its queue was full;
 *        without groups, for each message one word: u topic, u payload bytes;
 *        else for each group of consecutive messages with the same, two words: u topic, u payload bytes, u its first, u 0
 */
export const RUN_HEADER_WORDS = 10;
export const GROUP_WORDS = 2;
export const RUN = {
  firstIdentity: 1,
  receivedAt: 2,
  admittedAt: 3,
  pushedAt: 4,
  client: 10,
  rule: 11,
  connections: 12,
  pushed: 13,
  listed: 14,
  threshold: 15,
  matched: 16,
  restFailures: 17,
  groups: 18,
} as const;
/** A fan-out beyond this many subscribers is one span with a count. */
export const PUSH_SPANS = 32;
/** publish, validate, authorize, match. */
const SPANS_OF_MESSAGE = 4;
const MAX_MESSAGES = MAX_RECORD_WORDS - RUN_HEADER_WORDS - PUSH_SPANS;

/** Spans of one message of a run. */
export function spansOfRunMessage(pushed: number, listed: number): number {
  return SPANS_OF_MESSAGE + listed + (pushed > listed ? 1 : 0);
}

/** What the messages of a run share. */
export interface RunStage {
  receivedAt: number;
  admittedAt: number;
  pushedAt: number;
  client: number;
  rule: number;
  connections: number;
  /** Of the rate, 2^32 for none. */
  threshold: number;
  matched: number;
}

/**
 * Gathers consecutive QoS 0 messages that share every stage: at most a word for each, a word for each of the first subscribers,
 * and one set of times.
 */
export class RunRecorder {
  readonly #writer: RingWriter;
  readonly #ids: TraceIds;
  readonly #sampler: HeadSampler;
  /** By group of consecutive messages that say the same: topic and payload bytes of each, and which is the first. */
  readonly #topics = new Uint32Array(MAX_MESSAGES);
  readonly #payloadBytes = new Uint32Array(MAX_MESSAGES);
  readonly #firsts = new Uint32Array(MAX_MESSAGES);
  #groups = 0;
  #lastTopic = 0;
  #lastPayloadBytes = 0;
  readonly #subscribers = new Uint32Array(PUSH_SPANS * 2);
  #count = 0;
  #pushed = 0;
  #listed = 0;
  #restFailures = 0;

  constructor(writer: RingWriter, ids: TraceIds, sampler: HeadSampler) {
    this.#writer = writer;
    this.#ids = ids;
    this.#sampler = sampler;
  }

  /** No message may be added before `finish`. */
  get isFull(): boolean {
    return this.#count === MAX_MESSAGES;
  }

  message(topic: number, payloadBytes: number): void {
    if (topic !== this.#lastTopic || payloadBytes !== this.#lastPayloadBytes || this.#groups === 0) {
      const group = this.#groups;
      this.#topics[group] = topic;
      this.#payloadBytes[group] = payloadBytes;
      this.#firsts[group] = this.#count;
      this.#groups = group + 1;
      this.#lastTopic = topic;
      this.#lastPayloadBytes = payloadBytes;
    }
    this.#count += 1;
  }

  pushed(client: number, isDropped: boolean): void {
    this.#pushed += 1;
    if (this.#listed < PUSH_SPANS) {
      this.#subscribers[this.#listed * 2] = client;
      this.#subscribers[this.#listed * 2 + 1] = isDropped ? 1 : 0;
      this.#listed += 1;
    } else if (isDropped) this.#restFailures += 1;
  }

  /** The run is over: writes it. */
  finish(stage: RunStage): void {
    const { u32, f64 } = this.#writer;
    const groups = this.#groups * GROUP_WORDS < this.#count ? this.#groups : 0;
    const words = RUN_HEADER_WORDS + this.#listed + (groups > 0 ? groups * GROUP_WORDS : this.#count);
    const at = this.#writer.reserve(RECORD.run, words);
    const half = at * 2;
    u32[half + 1] = this.#count;
    f64[at + RUN.firstIdentity] = this.#ids.next;
    f64[at + RUN.receivedAt] = stage.receivedAt;
    f64[at + RUN.admittedAt] = stage.admittedAt;
    f64[at + RUN.pushedAt] = stage.pushedAt;
    u32[half + RUN.client] = stage.client;
    u32[half + RUN.rule] = stage.rule;
    u32[half + RUN.connections] = stage.connections;
    u32[half + RUN.pushed] = this.#pushed;
    u32[half + RUN.listed] = this.#listed;
    const threshold = this.#sampler.thresholdForMany(this.#count, stage.threshold, this.#bitsOf);
    u32[half + RUN.threshold] = Math.min(threshold, NO_THRESHOLD);
    u32[half + RUN.matched] = stage.matched;
    u32[half + RUN.restFailures] = this.#restFailures;
    copyWords(this.#subscribers, 0, this.#listed * 2, u32, half + RUN_HEADER_WORDS * 2);
    u32[half + RUN.groups] = groups;
    u32[half + RUN.groups + 1] = 0;
    const messages = half + (RUN_HEADER_WORDS + this.#listed) * 2;
    if (groups > 0) this.#writeGroups(u32, messages);
    else this.#writeMessages(u32, messages);
    this.#writer.complete(this.#count * spansOfRunMessage(this.#pushed, this.#listed));
    this.#writer.announce();
    this.#ids.next += this.#count;
    this.discard();
  }

  #writeGroups(u32: Uint32Array, from: number): void {
    let half = from;
    for (let group = 0; group < this.#groups; group += 1) {
      u32[half] = this.#topics[group]!;
      u32[half + 1] = this.#payloadBytes[group]!;
      u32[half + 2] = this.#firsts[group]!;
      u32[half + 3] = 0;
      half += GROUP_WORDS * 2;
    }
  }

  #writeMessages(u32: Uint32Array, from: number): void {
    let group = 0;
    for (let message = 0; message < this.#count; message += 1) {
      if (group + 1 < this.#groups && this.#firsts[group + 1] === message) group += 1;
      u32[from + message * 2] = this.#topics[group]!;
      u32[from + message * 2 + 1] = this.#payloadBytes[group]!;
    }
  }

  readonly #bitsOf = (index: number): number => this.#ids.decidingBitsOf(this.#ids.next + index);

  /** Forgets what was gathered. */
  discard(): void {
    this.#count = 0;
    this.#groups = 0;
    this.#pushed = 0;
    this.#listed = 0;
    this.#restFailures = 0;
  }
}
