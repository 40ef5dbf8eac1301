/** The part of `@nxtedition/rocksdb` (an abstract-level 1 database; it ships no types) that this engine uses. */
declare module '@nxtedition/rocksdb' {
  interface RocksLevelOptions {
    readonly keyEncoding: 'buffer';
    readonly valueEncoding: 'buffer';
    /** With `level`, bounds the memtables: each a quarter of `memtableMemoryBudget`, six at most. */
    readonly compaction: 'level';
    /** Bytes. */
    readonly memtableMemoryBudget: number;
    /** Block cache, bytes. */
    readonly cacheSize: number;
  }

  type RocksLevelOperation =
    | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
    | { readonly type: 'del'; readonly key: Uint8Array };

  /** Both encodings must be given: the binding reads them uninitialised otherwise. */
  interface RocksLevelQuery {
    readonly keyEncoding: 'buffer';
    readonly valueEncoding: 'buffer';
    readonly gt?: Uint8Array;
    readonly gte?: Uint8Array;
    readonly lt?: Uint8Array;
    readonly lte?: Uint8Array;
    readonly limit?: number;
    /** The answer ends behind the entry that goes over it. */
    readonly highWaterMarkBytes?: number;
  }

  class RocksLevel {
    constructor(location: string, options: RocksLevelOptions);
    open(): Promise<void>;
    close(): Promise<void>;
    /** Blocks the calling thread until the write is done, and synced where asked for. */
    batch(operations: readonly RocksLevelOperation[], options: { readonly sync: boolean }): Promise<void>;
    /** Keys and values in turn. Blocks the calling thread; its iterator is gone when it returns. */
    querySync(query: RocksLevelQuery): { readonly rows: Uint8Array[]; readonly finished: boolean };
  }
}
