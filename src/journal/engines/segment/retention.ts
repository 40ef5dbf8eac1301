export interface RetentionLimits {
  /** Size above which the oldest segments go, if nobody needs them; Infinity for no limit. */
  readonly retentionBytes: number;
  /** Age of a segment's newest record above which it goes, if nobody needs it; Infinity for no limit. */
  readonly retentionMs: number;
  /** Size above which the oldest segments go whoever needs them; Infinity for no limit. */
  readonly retentionHardBytes: number;
}

export interface SegmentFacts {
  readonly base: number;
  readonly end: number;
  readonly bytes: number;
  readonly lastTimestamp: number;
}

export interface RetentionPlan {
  /** How many of the oldest segments go. */
  readonly segments: number;
  /** Records among them that someone still needed. */
  readonly droppedRecords: number;
}

/**
 * Decides which segments go: whole ones, oldest first, never the last, which is being written.
 * @param lowestNeeded the lowest offset a holder protects; Infinity when nobody does
 */
export function planRetention(
  segments: readonly SegmentFacts[],
  limits: RetentionLimits,
  now: number,
  lowestNeeded: number,
): RetentionPlan {
  let totalBytes = 0;
  for (const segment of segments) totalBytes += segment.bytes;
  let droppedRecords = 0;
  for (let index = 0; index < segments.length - 1; index += 1) {
    const segment = segments[index]!;
    const needed = segment.end > lowestNeeded;
    const due = totalBytes > limits.retentionBytes || isExpired(segment, limits, now);
    if (totalBytes <= limits.retentionHardBytes && (needed || !due)) return { segments: index, droppedRecords };
    if (needed) droppedRecords += segment.end - Math.max(segment.base, lowestNeeded);
    totalBytes -= segment.bytes;
  }
  return { segments: Math.max(0, segments.length - 1), droppedRecords };
}

/** Whether all the segment's records are older than wanted. */
export function isExpired(segment: SegmentFacts, limits: RetentionLimits, now: number): boolean {
  return segment.bytes > 0 && now - segment.lastTimestamp > limits.retentionMs;
}
