/** How far the live sessions are in a shard; see Ingest. */
export interface ShardProgress {
  readonly shard: { readonly name: string; readonly number: number };
  /** Records below have been offered to the live sessions. */
  readonly dispatchedEnd: number;
}
