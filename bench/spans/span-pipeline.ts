export type Transport = 'http' | 'grpc';

/** A way for spans from the program to a collector, with all it takes: what the bench compares. */
export interface SpanPipeline {
  /** Records and sends some spans; settles when the collector has answered. How many they were. */
  run(): Promise<number>;
  close(): Promise<void>;
}

/** `maxExportBatchSize` and `maxQueueSize` that the specification of OpenTelemetry's SDK gives as defaults. */
export const DEFAULT_REQUEST_SPANS = 512;
export const DEFAULT_QUEUE_SPANS = 2048;
/** About as many as one of our requests holds: a third of what a collector takes by gRPC unless told otherwise. */
export const LARGE_REQUEST_SPANS = 4096;
