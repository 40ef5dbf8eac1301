import type { Clock } from '../base/clock.ts';
import { ATTRIBUTES, SPANS, type SpanDefinition } from '../telemetry/catalogue.ts';
import type { HistogramId, Metrics } from '../telemetry/metrics.ts';
import type { Recorder } from '../telemetry/recorder.ts';
import { recordStage, STAGES } from '../telemetry/stage.ts';
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
  /** The key, the prefix of a scan; a batch has none. */
  readonly key?: string;
}

/**
 * A placement whose operations are spans of the trace they belong to: `metadata/query` or `metadata/update`, and below it
 * the engine's `storage/rocksdb.…`. Without a sampled context a call is only timed.
 */
export class TracedPlacement implements Placement {
  readonly #inner: Placement;
  readonly #engine: 'memory' | 'rocksdb';
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;

  constructor(inner: Placement, engine: 'memory' | 'rocksdb', recorder: Recorder, metrics: Metrics, clock: Clock) {
    this.#inner = inner;
    this.#engine = engine;
    this.#recorder = recorder;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  get(key: string, context?: Uint8Array): Promise<PlacementEntry | undefined> {
    return this.#time(STAGES.metadataQuery, () => {
      if (context === undefined || !isSampled(context)) return this.#inner.get(key);
      return this.#trace(
        SPANS.metadataQuery,
        { span: SPANS.storageRocksdbGet, key },
        context,
        () => this.#inner.get(key),
        (entry) => entry?.value.length ?? 0,
      );
    });
  }

  list(prefix: string, page?: ListPage, context?: Uint8Array): Promise<PlacementEntry[]> {
    return this.#time(STAGES.metadataQuery, () => {
      if (context === undefined || !isSampled(context)) return this.#inner.list(prefix, page);
      return this.#trace(
        SPANS.metadataQuery,
        { span: SPANS.storageRocksdbScan, key: prefix },
        context,
        () => this.#inner.list(prefix, page),
        (entries) => entries.reduce((sum, entry) => sum + entry.value.length, 0),
      );
    });
  }

  write(writes: readonly PlacementWrite[], context?: Uint8Array): Promise<WriteOutcome[]> {
    return this.#time(STAGES.metadataUpdate, () => {
      if (context === undefined || !isSampled(context)) return this.#inner.write(writes);
      return this.#trace(
        SPANS.metadataUpdate,
        writeOperation(writes),
        context,
        () => this.#inner.write(writes),
        () => writes.reduce((sum, write) => sum + (write.type === 'put' ? write.value.length : 0), 0),
      );
    });
  }

  watch(prefix: string, onChange: (change: PlacementChange) => void): () => void {
    return this.#inner.watch(prefix, onChange);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Also what fails: an operation that times out is what the figure is for. */
  #time<Result>(stage: HistogramId, operation: () => Promise<Result>): Promise<Result> {
    const startedAt = this.#clock.now();
    const result = operation();
    const settled = (): void => recordStage(this.#metrics, stage, this.#clock.now() - startedAt);
    result.then(settled, settled);
    return result;
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
    if (operation.key !== undefined) this.#recorder.attribute(inner, ATTRIBUTES.dbKey, operation.key);
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
}

function writeOperation(writes: readonly PlacementWrite[]): StorageOperation {
  const [first] = writes;
  if (first === undefined || writes.length > 1) return { span: SPANS.storageRocksdbBatch };
  return first.type === 'put'
    ? { span: SPANS.storageRocksdbPut, key: first.key }
    : { span: SPANS.storageRocksdbDelete, key: first.key };
}
