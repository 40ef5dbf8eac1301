import type { ListPage, PlacementErrorCode } from '../../placement.ts';
import type { LateCommit } from './database.ts';

/** What the database thread is asked; lists as packed bytes (frames.ts). */
export type DatabaseRequest =
  | { readonly type: 'open'; readonly directory: string }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'list'; readonly prefix: string; readonly page: ListPage }
  | { readonly type: 'write'; readonly writes: Uint8Array }
  | { readonly type: 'close' };

export type DatabaseAnswer =
  | { readonly type: 'done' }
  | { readonly type: 'entries'; readonly entries: Uint8Array<ArrayBuffer>; readonly finished: boolean }
  | { readonly type: 'outcomes'; readonly outcomes: Float64Array<ArrayBuffer> }
  | { readonly type: 'failed'; readonly code: PlacementErrorCode; readonly message: string };

export interface NumberedRequest {
  readonly id: number;
  readonly request: DatabaseRequest;
}

export interface NumberedAnswer {
  readonly id: number;
  readonly answer: DatabaseAnswer;
  /** Comes with the next answer after it is known, whatever that answers. */
  readonly late?: LateCommit;
}
