import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { FinishedSpan } from '../telemetry/finished-span.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { PooledRecorder } from '../telemetry/pooled-recorder.ts';
import { Random } from '../telemetry/random.ts';
import { ratioSampler } from '../telemetry/sampler.ts';
import { CONTEXT_BYTES, FLAGS_AT, SAMPLED_FLAG } from '../telemetry/trace-context.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import { TracedPlacement } from './traced-placement.ts';

const sampled = new Uint8Array(CONTEXT_BYTES).fill(7);
sampled[FLAGS_AT] = SAMPLED_FLAG;
const unsampled = new Uint8Array(sampled);
unsampled[FLAGS_AT] = 0;

const put = (key: string, value: string) => ({ type: 'put', key, value: Buffer.from(value) }) as const;

describe('a traced placement', () => {
  let finished: FinishedSpan[];
  let recorder: PooledRecorder;
  let inner: MemoryPlacement;
  let placement: TracedPlacement;

  /** The store is in memory, but says it is RocksDB: the spans are what is looked at here. */
  beforeEach(() => {
    finished = [];
    const options = { sampler: ratioSampler(1), maxOpenSpans: 8 };
    recorder = new PooledRecorder(options, new Random([1, 2, 3, 4]), new Metrics(), (span) => finished.push(span));
    inner = new MemoryPlacement();
    let now = 0;
    placement = new TracedPlacement(inner, 'rocksdb', recorder, { now: () => ++now });
  });
  afterEach(async () => {
    await placement.close();
    assert.equal(recorder.openSpans, 0);
  });

  const attributes = (span: FinishedSpan) =>
    Object.fromEntries(span.attributes.map(({ definition, value }) => [definition.key, value]));
  const names = () => finished.map((span) => span.definition.name);

  it('puts the engine operation below the query or update, and that below its caller', async () => {
    await placement.write([put('a/1', 'four')], sampled);
    assert.deepEqual(names(), ['storage/rocksdb.put', 'metadata/update']);
    const [storage, update] = finished;
    assert.deepEqual(update!.parent, { type: 'remote', spanId: '0707070707070707' });
    assert.deepEqual(storage!.parent, { type: 'local', spanId: update!.spanId });
    assert.equal(update!.traceId, '07'.repeat(16));
    assert.deepEqual(attributes(storage!), {
      'db.system.name': 'rocksdb',
      'db.operation': 'put',
      'db.key': 'a/1',
      'db.value_size': 4,
    });
  });

  it('has a span for each kind of operation', async () => {
    await placement.write([put('a/1', '1'), put('a/2', '22')], sampled);
    await placement.get('a/2', sampled);
    await placement.list('a/', {}, sampled);
    await placement.write([{ type: 'delete', key: 'a/1' }], sampled);
    const storage = finished.filter((span) => span.definition.name.startsWith('storage/'));
    assert.deepEqual(
      storage.map((span) => {
        const { 'db.operation': operation, 'db.key': key, 'db.value_size': size } = attributes(span);
        return [span.definition.name, operation, key, size];
      }),
      [
        ['storage/rocksdb.batch', 'batch', undefined, 3],
        ['storage/rocksdb.get', 'get', 'a/2', 2],
        ['storage/rocksdb.scan', 'scan', 'a/', 3],
        ['storage/rocksdb.delete', 'delete', 'a/1', 0],
      ],
    );
    assert.deepEqual(
      names().filter((name) => name.startsWith('metadata/')),
      ['metadata/update', 'metadata/query', 'metadata/query', 'metadata/update'],
    );
  });

  it('has no engine span when the engine is not RocksDB', async () => {
    const memory = new TracedPlacement(inner, 'memory', recorder, { now: () => 1 });
    await memory.get('a', sampled);
    assert.deepEqual(names(), ['metadata/query']);
  });

  it('records nothing without a sampled context', async () => {
    await placement.write([put('a', '1')]);
    await placement.get('a', unsampled);
    assert.equal((await placement.list('', {}, unsampled)).length, 1);
    assert.deepEqual(finished, []);
  });

  it('records a failure on both spans, and passes it on', async () => {
    await inner.close();
    await assert.rejects(placement.get('a', sampled), { code: 'closed' });
    assert.deepEqual(
      finished.map((span) => attributes(span)['error.type']),
      ['closed', 'closed'],
    );
    assert.ok(finished.every((span) => span.failure !== null));
  });
});
