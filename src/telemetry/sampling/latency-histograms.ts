/*
 * Buckets of equal relative width: 16 to an octave, so that the upper end of a bucket is at most 1/16 above any value in it.
 * The index is read off the bits of the double: its exponent, and the first four bits of its mantissa.
 */
const SUB_BUCKET_BITS = 4;
const MANTISSA_SHIFT = 20 - SUB_BUCKET_BITS;
/** From 2^-10 ms, about a microsecond, to 2^20 ms, about 17 minutes; what lies outside counts as the nearest. */
const LOWEST = 2 ** -10;
const OCTAVES = 30;
const BUCKETS = OCTAVES << SUB_BUCKET_BITS;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const UPPER_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
const LOWEST_INDEX = rawIndex(LOWEST);

function rawIndex(value: number): number {
  double[0] = value;
  return words[UPPER_WORD]! >>> MANTISSA_SHIFT;
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > LOWEST)) return 0;
  return Math.min(rawIndex(durationMs) - LOWEST_INDEX, BUCKETS - 1);
}

/** Above everything in the bucket. */
function upperEnd(bucket: number): number {
  const next = bucket + 1;
  const withinOctave = 1 + (next & ((1 << SUB_BUCKET_BITS) - 1)) / (1 << SUB_BUCKET_BITS);
  return LOWEST * 2 ** (next >> SUB_BUCKET_BITS) * withinOctave;
}

/**
 * Histograms of durations by slot, in one preallocated array: 1,920 bytes a slot. Counts are floating-point numbers, so that
 * they can fade: halving an integer would lose the few long durations first, which are what a high quantile is about.
 */
export class LatencyHistograms {
  readonly #counts: Float32Array;

  constructor(slots: number) {
    this.#counts = new Float32Array(slots * BUCKETS);
  }

  add(slot: number, durationMs: number, count: number): void {
    this.#counts[slot * BUCKETS + bucketOf(durationMs)]! += count;
  }

  /** Multiplies all counts of the slot; 0 empties it. */
  fade(slot: number, factor: number): void {
    const counts = this.#counts;
    for (let at = slot * BUCKETS; at < (slot + 1) * BUCKETS; at += 1) counts[at]! *= factor;
  }

  /** What at most 1 - q of the durations exceed: the upper end of the bucket in which the quantile lies. Infinity when empty. */
  quantile(slot: number, q: number): number {
    const counts = this.#counts;
    const first = slot * BUCKETS;
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) total += counts[first + bucket]!;
    let above = 0;
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket -= 1) {
      above += counts[first + bucket]!;
      // The bucket with the duration of rank q: with it, more than 1 - q lie at or above.
      if (above > total * (1 - q)) return upperEnd(bucket);
    }
    return Number.POSITIVE_INFINITY;
  }
}
