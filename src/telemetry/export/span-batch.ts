/** Encoded spans on their way out: what travels from the encoder to the collector. */
export interface SpanBatch {
  /** An ExportTraceServiceRequest, protobuf. */
  readonly bytes: Uint8Array;
  readonly spans: number;
  /** Traces whose entry span is in it. */
  readonly traces: number;
}
