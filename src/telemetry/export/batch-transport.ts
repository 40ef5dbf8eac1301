import type { SpanBatch } from './span-batch.ts';

/** What became of a batch. Messages are for people, and empty where there is nothing to say. */
export type SendResult =
  /** The collector has it, but for so many spans that it did not want. */
  | { readonly type: 'taken'; readonly rejectedSpans: number; readonly message: string }
  /** The collector answered that it will never take it: sending it again is forbidden (OTLP 1.x, Failures). */
  | { readonly type: 'rejected'; readonly message: string }
  /** Nobody has it as far as is known; it may be sent again, and may then arrive twice. */
  | { readonly type: 'unavailable'; readonly message: string };

/** The last step out of the process. */
export interface BatchTransport {
  /** For people: where batches go. Without credentials. */
  readonly destination: string;
  /** Settles within a limit of its own; never rejects. May be called again before it has settled. */
  send(batch: SpanBatch): Promise<SendResult>;
  /** Lets go of everything, also of what has not been answered. */
  close(): Promise<void>;
}
