import { CodedError } from '../base/errors.ts';

/**
 * Metadata: a small versioned key-value store with conditional writes and watches. Keys are paths (`session/<client id>`),
 * values opaque bytes. Shaped for a network in between and for engines without transactions over several keys.
 */
export interface Placement {
  /** `context` (25 bytes, see telemetry/trace-context.ts) is the span this work belongs to, here and below. */
  get(key: string, context?: Uint8Array): Promise<PlacementEntry | undefined>;
  /** All entries whose key starts with `prefix`, in key order (that of their UTF-8 bytes), a page at a time. */
  list(prefix: string, page?: ListPage, context?: Uint8Array): Promise<PlacementEntry[]>;
  /**
   * Applies the writes in order and settles when all are durable. A condition that does not hold fails its own write
   * alone (`conflict` in its place); writes to different keys are one group commit, not a transaction. Values are copied
   * before this returns. After a rejection the writes are either all there or not at all, and never seen half.
   */
  write(writes: readonly PlacementWrite[], context?: Uint8Array): Promise<WriteOutcome[]>;
  /**
   * Calls back for every change under `prefix` after it is durable, in revision order, until closed by the function
   * returned. Deleting a key that is not there is a change too.
   */
  watch(prefix: string, onChange: (change: PlacementChange) => void): () => void;
  /** Settles when all writes accepted before are durable; everything called afterwards fails with `closed`. */
  close(): Promise<void>;
}

export interface ListPage {
  /** Continue behind this key. */
  readonly after?: string;
  readonly limit?: number;
}

export interface PlacementEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every write anywhere in the store; never 0. */
  readonly revision: number;
}

export type PlacementWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly ifRevision?: number }
  | { readonly type: 'delete'; readonly key: string; readonly ifRevision?: number };

/** `ifRevision: 0` means "only if absent". A conflict carries the key's present revision, 0 when it is absent. */
export type WriteOutcome =
  | { readonly type: 'written'; readonly revision: number }
  | { readonly type: 'conflict'; readonly revision: number };

export type PlacementChange =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly revision: number }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

export type PlacementErrorCode = 'io_failed' | 'no_space' | 'closed' | 'locked' | 'corrupt' | 'limit_reached';

export class PlacementError extends CodedError<PlacementErrorCode> {}
