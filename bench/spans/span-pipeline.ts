/** A way for spans from the program to a collector, with all it takes: what the bench compares. */
export interface SpanPipeline {
  /** Records and sends the traces of some messages; settles when the collector has answered. How many spans that were. */
  run(): Promise<number>;
  close(): Promise<void>;
}

/** `maxExportBatchSize` and `maxQueueSize` that the specification of OpenTelemetry's SDK gives as defaults. */
export const DEFAULT_REQUEST_SPANS = 512;
export const DEFAULT_QUEUE_SPANS = 2048;
/** Some 1.4 MB: a third of what a collector takes by gRPC unless told otherwise. */
export const LARGE_REQUEST_SPANS = 8192;
