import type { FinishedSpan } from '../finished-span.ts';

export type SendResult =
  | { readonly type: 'taken' }
  | { readonly type: 'failed'; readonly reason: 'export_failed' | 'export_timeout'; readonly message: string };

/** The last step out of the process. */
export interface SpanSender {
  /** For people: where the spans go. */
  readonly destination: string;
  /** Settles with what became of the batch, within a limit of its own; never rejects. */
  send(spans: readonly FinishedSpan[]): Promise<SendResult>;
  close(): Promise<void>;
}
