import { hasTrace, isSampled } from './trace-context.ts';

/** Where the 32 bits of the trace id lie that decide: the top of its 56 random ones (W3C Trace Context 2, section 4). */
export const SAMPLING_BITS_AT = 9;
const ALL = 2 ** 32;

/**
 * Decides at the head. A trace is chosen when its 32 deciding bits reach the threshold, so that every service with the
 * same rate chooses the same traces, and each one a higher rate chooses includes those of a lower.
 */
export interface HeadSampler {
  /** 0 chooses every trace, 2^32 none. */
  readonly threshold: number;
  /** Whether a caller's sampled flag decides for a continued trace, instead of the threshold. */
  readonly followsParent: boolean;
}

export function ratioSampler(rate: number, followsParent = true): HeadSampler {
  const share = Math.min(Math.max(rate, 0), 1);
  return { threshold: Math.round((1 - share) * ALL), followsParent };
}

/** `bits`: any 32-bit integer, signed or not. */
export function choosesTrace(sampler: HeadSampler, bits: number): boolean {
  return bits >>> 0 >= sampler.threshold;
}

export function choosesContinued(sampler: HeadSampler, parent: Uint8Array, offset: number): boolean {
  if (sampler.followsParent) return isSampled(parent, offset) && hasTrace(parent, offset);
  const at = offset + SAMPLING_BITS_AT;
  const bits = (parent[at]! << 24) | (parent[at + 1]! << 16) | (parent[at + 2]! << 8) | parent[at + 3]!;
  return hasTrace(parent, offset) && choosesTrace(sampler, bits);
}
