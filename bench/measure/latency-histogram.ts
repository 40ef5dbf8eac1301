/** Each octave of microseconds is cut into this many buckets: at most 3 % off. */
const BUCKETS_PER_OCTAVE = 32;
const OCTAVES = 32;

/** Latencies in logarithmic buckets: recording allocates nothing, quantiles are within one bucket. */
export class LatencyHistogram {
  private readonly counts = new Uint32Array(BUCKETS_PER_OCTAVE * OCTAVES);
  private total = 0;

  record(elapsedMs: number): void {
    const octaves = Math.log2(1 + Math.max(0, elapsedMs) * 1000);
    const bucket = Math.min(this.counts.length - 1, Math.floor(octaves * BUCKETS_PER_OCTAVE));
    this.counts[bucket]!++;
    this.total++;
  }

  reset(): void {
    this.counts.fill(0);
    this.total = 0;
  }

  /** The upper bound of the bucket where this share of the latencies (0 to 1) is reached; undefined without any. */
  quantileMs(share: number): number | undefined {
    if (this.total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    const bucket = this.counts.findIndex((count) => {
      seen += count;
      return seen >= rank;
    });
    return (2 ** ((bucket + 1) / BUCKETS_PER_OCTAVE) - 1) / 1000;
  }
}
