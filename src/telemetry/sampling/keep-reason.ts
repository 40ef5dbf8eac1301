/** Why a trace is kept, from the reason that is said first to the one that is said when there is no other. */
export const KEEP_REASONS = ['head', 'forced', 'dropped', 'error', 'redelivered', 'slow', 'watch'] as const;
export type KeepReason = (typeof KEEP_REASONS)[number];

/** The reasons that have a budget: clients can bring them about as often as they like. */
export type BudgetedReason = Exclude<KeepReason, 'watch'>;

/** Index in KEEP_REASONS. */
export const KEEP_REASON_INDEX: Readonly<Record<KeepReason, number>> = {
  head: 0,
  forced: 1,
  dropped: 2,
  error: 3,
  redelivered: 4,
  slow: 5,
  watch: 6,
};
