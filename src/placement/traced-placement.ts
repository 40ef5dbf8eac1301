import type { Clock } from '../base/clock.ts';
import { ATTRIBUTES, SPANS, type SpanDefinition } from '../telemetry/catalogue.ts';
import type { Recorder, SpanHandle } from '../telemetry/recorder.ts';
import { isSampled } from '../telemetry/trace-context.ts';
import {
  type ListPage,
  type Placement,
  type PlacementChange,
  type PlacementEntry,
  PlacementError,
  type PlacementWrite,
  type WriteOutcome,
} from './placement.ts';

/** The engine's part of an operation, as its span tells it. */
interface StorageOperation {
  readonly span: SpanDefinition;
  readonly name: 'get' | 'put' | 'delete' | 'batch' | 'scan';
  /** The key, the prefix of a scan; a batch has none. */
  readonly key?: string;
}

/**
 * A placement whose operations are spans of the trace they belong to: `metadata/query` or `metadata/update`, and below it
 * the engine's `storage/rocksdb.…`. Without a sampled context a call goes straight through.
 */
export class TracedPlacement implements Placement {
  readonly #inner: Placement;
  readonly #engine: 'memory' | 'rocksdb';
  readonly #recorder: Recorder;
  readonly #clock: Clock;

  constructor(inner: Placement, engine: 'memory' | 'rocksdb', recorder: Recorder, clock: Clock) {
    this.#inner = inner;
    this.#engine = engine;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  get(key: string, context?: Uint8Array): Promise<PlacementEntry | undefined> {
    if (context === undefined || !isSampled(context)) return this.#inner.get(key);
    return this.#trace(
      SPANS.metadataQuery,
      { span: SPANS.storageRocksdbGet, name: 'get', key },
      context,
      () => this.#inner.get(key),
      (entry) => entry?.value.length ?? 0,
    );
  }

  list(prefix: string, page?: ListPage, context?: Uint8Array): Promise<PlacementEntry[]> {
    if (context === undefined || !isSampled(context)) return this.#inner.list(prefix, page);
    return this.#trace(
      SPANS.metadataQuery,
      { span: SPANS.storageRocksdbScan, name: 'scan', key: prefix },
      context,
      () => this.#inner.list(prefix, page),
      (entries) => entries.reduce((sum, entry) => sum + entry.value.length, 0),
    );
  }

  write(writes: readonly PlacementWrite[], context?: Uint8Array): Promise<WriteOutcome[]> {
    if (context === undefined || !isSampled(context)) return this.#inner.write(writes);
    return this.#trace(
      SPANS.metadataUpdate,
      writeOperation(writes),
      context,
      () => this.#inner.write(writes),
      () => writes.reduce((sum, write) => sum + (write.type === 'put' ? write.value.length : 0), 0),
    );
  }

  watch(prefix: string, onChange: (change: PlacementChange) => void): () => void {
    return this.#inner.watch(prefix, onChange);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #trace<Result>(
    span: SpanDefinition,
    operation: StorageOperation,
    context: Uint8Array,
    action: () => Promise<Result>,
    valueSize: (result: Result) => number,
  ): Promise<Result> {
    const startedAt = this.#clock.now();
    const outer = this.#recorder.continued(span, context, 0, startedAt);
    const inner = this.#engine === 'rocksdb' ? this.#recorder.child(operation.span, outer, startedAt) : 0;
    if (inner !== 0) this.#describe(inner, operation);
    try {
      const result = await action();
      if (inner !== 0) this.#recorder.attribute(inner, ATTRIBUTES.dbValueSize, valueSize(result));
      return result;
    } catch (error) {
      const errorType = error instanceof PlacementError ? error.code : 'unexpected';
      const message = error instanceof Error ? error.message : String(error);
      this.#recorder.fail(inner, errorType, message, error);
      this.#recorder.fail(outer, errorType, message);
      throw error;
    } finally {
      const endedAt = this.#clock.now();
      this.#recorder.end(inner, endedAt);
      this.#recorder.end(outer, endedAt);
    }
  }

  #describe(handle: SpanHandle, operation: StorageOperation): void {
    this.#recorder.attribute(handle, ATTRIBUTES.dbSystemName, this.#engine);
    this.#recorder.attribute(handle, ATTRIBUTES.dbOperation, operation.name);
    if (operation.key !== undefined) this.#recorder.attribute(handle, ATTRIBUTES.dbKey, operation.key);
  }
}

function writeOperation(writes: readonly PlacementWrite[]): StorageOperation {
  const [first] = writes;
  if (first === undefined || writes.length > 1) return { span: SPANS.storageRocksdbBatch, name: 'batch' };
  return first.type === 'put'
    ? { span: SPANS.storageRocksdbPut, name: 'put', key: first.key }
    : { span: SPANS.storageRocksdbDelete, name: 'delete', key: first.key };
}
