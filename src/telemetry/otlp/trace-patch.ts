/** What another trace of the same shape has of its own. */
export interface TracePatch {
  /**
   * Words as in SpanIdentity: of the trace id (4), of the id of each span in the order shown (2 each), and of each
   * parent that is none of these spans, in the order of first use (2 each).
   */
  readonly ids: Uint32Array;
  /** Start and end of each span in the order shown, in Unix milliseconds. */
  readonly times: Float64Array;
  /** The varying numbers in the order shown; those of type int are integers. */
  readonly numbers: Float64Array;
}
