/** Messages that are published whatever became of those before: an open loop. */
export interface OfferedRate {
  /** Of all publishers together. */
  readonly perSecond: number;
  readonly batchIntervalMs: number;
}
