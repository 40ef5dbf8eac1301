/*
 * Consistent probability as OpenTelemetry specifies it ("TraceState: Probability Sampling"): the least significant 56 bits
 * of a trace id are its randomness R, a trace is chosen exactly if R >= T, and a rate of r means T = (1 - r) * 2^56.
 *
 * Of T only the upper 32 bits are ever set here. Then R >= T says the same of the upper 32 bits of both alone, so that one
 * integer comparison decides as 56 bits would, and `th` says T exactly in at most eight digits. The 32 bits of a trace id are
 * its bytes 9 to 12.
 */

/** A threshold no trace reaches: the rate 0, for which there is no `th`. */
export const CHOOSES_NONE = 2 ** 32;

/** The next lower is not used: records have it for a trace that no threshold of ours chose. */
export const NO_THRESHOLD = 2 ** 32 - 1;
const CHOOSES_FEWEST = 2 ** 32 - 2;

/** Upper 32 bits of T, from 0, which every trace reaches, to CHOOSES_NONE. A rate above 0 is never taken for 0. */
export function thresholdOfRate(rate: number): number {
  return loweredThreshold(0, Math.min(Math.max(rate, 0), 1));
}

/** The threshold that chooses `factor` (0 to 1) of what `threshold` chooses. */
export function loweredThreshold(threshold: number, factor: number): number {
  const lowered = CHOOSES_NONE - Math.round((CHOOSES_NONE - threshold) * factor);
  return lowered > CHOOSES_FEWEST && factor > 0 && threshold < CHOOSES_NONE ? CHOOSES_FEWEST : lowered;
}

/** The value of `th` for `tracestate`: T in hex, without its trailing zeros. Undefined for CHOOSES_NONE. */
export function encodeTh(threshold: number): string | undefined {
  if (threshold >= CHOOSES_NONE) return undefined;
  return threshold.toString(16).padStart(8, '0').replace(/0+$/, '') || '0';
}
