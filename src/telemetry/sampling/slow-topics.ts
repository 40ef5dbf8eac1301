import { LatencyHistograms } from './latency-histograms.ts';

/** Topics whose durations are known at once; a histogram has 1,920 bytes. */
const MAX_TOPICS = 1024;
/** While all places are taken, so many messages of unknown topics come to one that is given a place. */
const MISSES_FOR_A_PLACE = 16;
/** How often a topic must be passed over without a message in between before it loses its place. */
const CHANCES = 3;
/** Counts fade by half in this time, so that yesterday does not decide what is slow today. */
const HALF_LIFE_MS = 600_000;
/** Long before a 32-bit float cannot count one more. */
const MAX_COUNT = 2 ** 20;
/** The quantile is taken anew after the topic's messages grew by this share. */
const STALE_SHARE = 1 / 8;

export interface SlowTopicsOptions {
  /** Above 0 and below 1. */
  readonly quantile: number;
  readonly maxTopics?: number;
}

/**
 * What is slow for its topic: a duration beyond the topic's own quantile, once so many messages have come that two at least
 * are expected beyond it. Bounded: topics that are rare lose their place to others, those with many messages keep it, and a
 * stream of topics that come once cannot push them out.
 */
export class SlowTopics {
  readonly #quantile: number;
  readonly #minMessages: number;
  readonly #maxTopics: number;
  readonly #histograms: LatencyHistograms;
  readonly #slots = new Map<number, number>();
  /** By slot. */
  readonly #keys: Float64Array;
  readonly #counts: Float64Array;
  readonly #dueAt: Float64Array;
  readonly #thresholds: Float64Array;
  readonly #fadedAt: Float64Array;
  readonly #chances: Uint8Array;
  #hand = 0;
  #misses = 0;
  #lastSlot = -1;

  constructor({ quantile, maxTopics = MAX_TOPICS }: SlowTopicsOptions) {
    this.#quantile = quantile;
    // Rounded first: 1 - 0.999 is a little more than 0.001.
    this.#minMessages = Math.ceil(Number((2 / (1 - quantile)).toPrecision(12)));
    this.#maxTopics = maxTopics;
    this.#histograms = new LatencyHistograms(maxTopics);
    this.#keys = new Float64Array(maxTopics);
    this.#counts = new Float64Array(maxTopics);
    this.#dueAt = new Float64Array(maxTopics);
    this.#thresholds = new Float64Array(maxTopics);
    this.#fadedAt = new Float64Array(maxTopics);
    this.#chances = new Uint8Array(maxTopics);
  }

  /** Whether messages that took so long are slow for their topic, judged by those before them; they count from then on. */
  isSlow(key: number, durationMs: number, messages: number, now: number): boolean {
    const slot = this.#slotOf(key, now);
    if (slot === -1) return false;
    this.#chances[slot] = CHANCES;
    const slow = durationMs > this.#thresholds[slot]!;
    this.#histograms.add(slot, durationMs, messages);
    const count = this.#counts[slot]! + messages;
    this.#counts[slot] = count;
    if (count >= this.#dueAt[slot]! || now - this.#fadedAt[slot]! >= HALF_LIFE_MS) this.#renew(slot, now);
    return slow;
  }

  /** A batch is of one topic for most of its length. */
  #slotOf(key: number, now: number): number {
    const last = this.#lastSlot;
    if (last !== -1 && this.#keys[last] === key) return last;
    const slot = this.#slots.get(key) ?? this.#place(key, now);
    this.#lastSlot = slot;
    return slot;
  }

  #renew(slot: number, now: number): void {
    const ageMs = now - this.#fadedAt[slot]!;
    const byAge = ageMs >= HALF_LIFE_MS ? 0.5 ** (ageMs / HALF_LIFE_MS) : 1;
    const factor = byAge * (this.#counts[slot]! > MAX_COUNT ? 0.5 : 1);
    if (factor < 1) {
      this.#histograms.fade(slot, factor);
      this.#counts[slot]! *= factor;
      this.#fadedAt[slot] = now;
    }
    const count = this.#counts[slot]!;
    const isKnown = count >= this.#minMessages;
    this.#thresholds[slot] = isKnown ? this.#histograms.quantile(slot, this.#quantile) : Number.POSITIVE_INFINITY;
    this.#dueAt[slot] = isKnown ? count * (1 + STALE_SHARE) : this.#minMessages;
  }

  /** The slot for a topic that has none; -1: it gets none this time. */
  #place(key: number, now: number): number {
    const { size } = this.#slots;
    let slot = size;
    if (size === this.#maxTopics) {
      this.#misses += 1;
      if (this.#misses % MISSES_FOR_A_PLACE !== 0) return -1;
      slot = this.#evict();
    }
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#counts[slot] = 0;
    this.#thresholds[slot] = Number.POSITIVE_INFINITY;
    this.#dueAt[slot] = this.#minMessages;
    this.#fadedAt[slot] = now;
    return slot;
  }

  /** The hand of a clock goes round and takes one chance from each topic, until it finds one that has none left. */
  #evict(): number {
    while (this.#chances[this.#hand]! > 0) {
      this.#chances[this.#hand]! -= 1;
      this.#hand = (this.#hand + 1) % this.#maxTopics;
    }
    const slot = this.#hand;
    this.#hand = (this.#hand + 1) % this.#maxTopics;
    this.#slots.delete(this.#keys[slot]!);
    this.#histograms.fade(slot, 0);
    return slot;
  }
}
